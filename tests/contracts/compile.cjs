// Makes artifacts.json anew: `npm install --prefix DIR solc`, then `NODE_PATH=DIR/node_modules node compile.cjs`.
// Tests need no compiler.
const fs = require('fs'), path = require('path'), solc = require('solc');
const names = fs.readdirSync(__dirname).filter((name) => name.endsWith('.sol')).sort();
const sources = Object.fromEntries(names.map((name) => [name, { content: fs.readFileSync(path.join(__dirname, name), 'utf8') }]));
const settings = {
  evmVersion: 'paris',
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
};
const out = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));
for (const error of out.errors || []) console.error(error.formattedMessage);
const made = {};
for (const file of Object.values(out.contracts))
  for (const [name, contract] of Object.entries(file)) if (contract.evm.bytecode.object) made[name] = '0x' + contract.evm.bytecode.object;
fs.writeFileSync(path.join(__dirname, 'artifacts.json'), JSON.stringify(made, null, 1) + '\n');
console.log(solc.version(), Object.keys(made).join(' '));
