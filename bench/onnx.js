// Times ONNX Runtime on a square image of noise: node onnx.js FOLDER MODEL SIZE THREADS, where npm installed onnxruntime-node in FOLDER.
// Prints the median seconds of five runs after one that is not timed, and the peak of the resident set in MiB.
const path = require('path');
const [folder, model, size, threads] = process.argv.slice(2);
const ort = require(path.join(path.resolve(folder), 'node_modules', 'onnxruntime-node'));

(async () => {
    const side = Number(size);
    const options = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionProviders: ['cpu'], graphOptimizationLevel: 'all' };
    const session = await ort.InferenceSession.create(model, options);
    const pixels = Float32Array.from({ length: 3 * side * side }, () => 255 * Math.random() - 128);
    const feeds = { image: new ort.Tensor('float32', pixels, [1, 3, side, side]) };
    await session.run(feeds);
    const seconds = [];
    for (let i = 0; i < 5; i++) {
        const start = process.hrtime.bigint();
        await session.run(feeds);
        seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
    seconds.sort((a, b) => a - b);
    console.log(seconds[2].toFixed(4), (process.resourceUsage().maxRSS / 1024).toFixed(0));
})();
