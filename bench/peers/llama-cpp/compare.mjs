// Times llama.cpp (through node-llama-cpp) and hshare on the same weights in one run and prints one table.
// usage: node compare.mjs --gguf FILE --model DIR [--weights as-stored|bf16|int8] [--threads 2] [--peer FOLDER] [--hshare COMMAND]
import {execFileSync} from "node:child_process";
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {parseArgs} from "node:util";

const repository = path.resolve(import.meta.dirname, "../../..");
const {values: options} = parseArgs({
    options: {
        gguf: {type: "string"},
        model: {type: "string", default: path.join(repository, "models/hshare-tiny")},
        weights: {type: "string", default: "as-stored"},
        threads: {type: "string", default: String(os.availableParallelism())},
        peer: {type: "string", default: process.cwd()}, // the folder where node-llama-cpp is installed
        hshare: {type: "string", default: path.join(repository, "src/HShare.Cli/bin/Release/net10.0/hshare")},
    },
});
if (!options.gguf) {
    console.error("usage: node compare.mjs --gguf FILE --model DIR [--weights as-stored|bf16|int8] [--threads 2] [--peer FOLDER] [--hshare COMMAND]");
    process.exit(2);
}

const promptLengths = [2048, 6000], decodeTokens = 64, repeats = 3, threads = Number(options.threads);
const median = values => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

// ---- llama.cpp ----
async function timePeer() {
    const require = createRequire(path.join(path.resolve(options.peer), "package.json"));
    const {getLlama} = await import(pathToFileURL(require.resolve("node-llama-cpp")));
    const llama = await getLlama({gpu: false, build: "never", logLevel: "error"});
    const model = await llama.loadModel({modelPath: path.resolve(options.gguf)});
    const results = {};
    for (const length of promptLengths.filter(length => length + decodeTokens <= model.trainContextSize)) {
        const context = await model.createContext({contextSize: length + decodeTokens + 64, batchSize: 512, threads, sequences: 1});
        const ids = randomIds(length, model.fileInfo.metadata.llama?.vocab_size ?? 8192);
        const prefill = [], decode = [];
        for (let round = 0; round <= repeats; round++) {
            const sequence = context.getSequence();
            let start = performance.now();
            await sequence.evaluateWithoutGeneratingNewTokens(ids);
            prefill.push(length / (performance.now() - start) * 1000);
            start = performance.now();
            let count = 0;
            for await (const _ of sequence.evaluate([ids[0]], {temperature: 0, yieldEogToken: true}))
                if (++count >= decodeTokens) break;
            decode.push(count / (performance.now() - start) * 1000);
            sequence.dispose();
        }
        results[length] = {prefill: median(prefill.slice(1)), decode: median(decode.slice(1))}; // the first round warms up
        await context.dispose();
    }
    await model.dispose();
    return results;
}

function randomIds(count, vocabulary) {
    let seed = 7;
    const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    return Array.from({length: count}, () => 300 + Math.floor(next() * (vocabulary - 400)));
}

// ---- hshare ----
function timeOurs() {
    const args = ["bench", "cpu", "--model", options.model, "--weights", options.weights, "--threads", String(threads), "--json"];
    return JSON.parse(execFileSync(options.hshare, args, {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 24}));
}

// The peer is timed before and after us and its better figures count: other work on the machine comes and goes.
const before = await timePeer(), ours = timeOurs(), after = await timePeer();
const figure = (part, length) => ours.figures.find(f => f.part === part && f.unit === "tokens/s" && f.case.includes(String(length)))?.value;
const rows = {};
for (const length of Object.keys(before)) {
    for (const part of ["prefill", "decode"]) {
        const theirs = Math.max(before[length][part], after[length][part]), value = figure(part, length);
        rows[part === "prefill" ? `prefill ${length} tokens` : `decode behind ${length} tokens`] = {
            "llama.cpp tokens/s": Number(theirs.toFixed(1)),
            "hshare tokens/s": value && Number(value.toFixed(1)),
            "hshare / llama.cpp": value && Number((value / theirs).toFixed(2)),
        };
    }
}
console.log(`${path.basename(options.gguf)} against ${path.basename(options.model)} (${options.weights}), ${threads} threads, ${ours.backend}`);
console.table(rows);
console.log("llama.cpp is driven through its Node binding, which costs some milliseconds a token: compare decode on models of a gigabyte or more.");
process.exit(0);
