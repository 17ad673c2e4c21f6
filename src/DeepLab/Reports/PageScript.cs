namespace DeepLab.Reports;

/// <summary>
/// The only script of a page: within a chart or a matrix, whose fields are one stop of the Tab key, the arrow keys go
/// from field to field. Without it everything can still be read: a matrix shows its numbers, and a table with the
/// numbers stands beside each chart.
/// </summary>
internal static class PageScript
{
    /// <summary>The script. It holds no character that would need escaping.</summary>
    public const string Text =
        """

        for (const box of document.querySelectorAll('[data-columns]')) {
          const items = [...box.querySelectorAll('[tabindex]')], columns = Number(box.dataset.columns);
          const enter = item => {
            for (const other of items) other.setAttribute('tabindex', other === item ? 0 : -1);
          };
          box.addEventListener('focusin', event => { if (items.includes(event.target)) enter(event.target); });
          box.addEventListener('keydown', event => {
            const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
            const at = items.indexOf(document.activeElement);
            const to = { Home: items[0], End: items.at(-1) }[event.key] ?? items[at + steps[event.key]];
            if (at === -1 || !to || event.ctrlKey || event.altKey || event.metaKey) return;
            event.preventDefault();
            to.focus();
            to.scrollIntoView({ block: 'nearest', inline: 'nearest' });
          });
        }

        """;
}
