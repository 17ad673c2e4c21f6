// Runs an .onnx file with ONNX Runtime: one input array in, one output array out, as NumPy files.
//
//     mkdir -p /tmp/onnxruntime && cd /tmp/onnxruntime && npm install --ignore-scripts onnxruntime-node
//     NODE_PATH=/tmp/onnxruntime/node_modules node tests/reference/run_onnx.js MODEL.onnx INPUT.npy OUTPUT.npy [INPUT.npy OUTPUT.npy ...]
//
// Inputs are '<f4' or '|u1' in C order, outputs '<f4'. (--ignore-scripts leaves out the download of CUDA's libraries.)
// Prints the time of each run. tests/reference/check_onnx.py uses it.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

const types = { '<f4': ['float32', Float32Array], '|u1': ['uint8', Uint8Array] };

function readNpy(path) {
  const file = fs.readFileSync(path);
  if (file.toString('latin1', 1, 6) !== 'NUMPY' || file[6] !== 1) throw new Error(`${path}: not a .npy file of version 1`);
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  const [, descr] = /'descr': '([^']*)'/.exec(header);
  const [, sides] = /'shape': \(([^)]*)\)/.exec(header);
  if (!types[descr] || !header.includes("'fortran_order': False")) throw new Error(`${path}: '${descr}', expected '<f4' or '|u1' in C order`);
  const [type, Elements] = types[descr];
  const bytes = Uint8Array.from(file.subarray(start)); // a copy, so that elements are aligned
  return new ort.Tensor(type, new Elements(bytes.buffer), sides.split(',').filter(s => s.trim()).map(Number));
}

function writeNpy(path, tensor) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tensor.dims.join(', ')}${tensor.dims.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  const { buffer, byteOffset, byteLength } = tensor.data;
  fs.writeFileSync(path, Buffer.concat([prefix, Buffer.from(header.padEnd(length - 1) + '\n', 'latin1'), Buffer.from(buffer, byteOffset, byteLength)]));
}

async function main([model, ...files]) {
  if (!model || files.length === 0 || files.length % 2) throw new Error('usage: run_onnx.js MODEL.onnx INPUT.npy OUTPUT.npy [INPUT.npy OUTPUT.npy ...]');
  const session = await ort.InferenceSession.create(model);
  for (let i = 0; i < files.length; i += 2) {
    const input = readNpy(files[i]);
    const start = process.hrtime.bigint();
    const results = await session.run({ [session.inputNames[0]]: input });
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const output = results[session.outputNames[0]];
    if (output.type !== 'float32') throw new Error(`${model}: its output is ${output.type}, expected float32`);
    writeNpy(files[i + 1], output);
    console.log(`${files[i]} [${input.dims}] -> ${files[i + 1]} [${output.dims}] in ${seconds.toFixed(3)} s`);
  }
}

main(process.argv.slice(2)).catch(e => {
  console.error(e.message);
  process.exit(1);
});
