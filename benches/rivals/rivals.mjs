// Reads one message with the npm rivals; argv: file, seconds. Prints one JSON line for each.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/`);
const { Hl7Message } = require('@medplum/core');
const { Message: NodeMessage } = require('node-hl7-client');

const [file, seconds] = process.argv.slice(2);
const text = fs.readFileSync(file, 'utf8');

function measure(name, read) {
    for (let warm = 0; warm < 200; warm++) read();
    let best = Infinity;
    const end = performance.now() + Number(seconds) * 1000;
    while (performance.now() < end) {
        const start = performance.now();
        for (let n = 0; n < 50; n++) read();
        best = Math.min(best, (performance.now() - start) / 50);
    }
    console.log(JSON.stringify({ name, microseconds: best * 1000 }));
}

measure('@medplum/core', () => {
    const message = Hl7Message.parse(text);
    return message.getSegment('PID').getComponent(3, 1) + message.getSegment('MSH').getComponent(9, 2);
});
measure('node-hl7-client', () => {
    const message = new NodeMessage({ text });
    return message.get('PID.3.1').toString() + message.get('MSH.9.2').toString();
});
