// Writes a GGUF of a Hugging Face Llama folder (one safetensors file, byte-level BPE), to time llama.cpp on the very same weights.
// usage: node hf2gguf.mjs DIR OUT.gguf [f32|f16|bf16|q8_0]
import fs from "node:fs";
import path from "node:path";

const [, , folder, target, kind = "bf16"] = process.argv;
const kinds = {f32: {type: 0, file: 0}, f16: {type: 1, file: 1}, bf16: {type: 30, file: 32}, q8_0: {type: 8, file: 7}};
if (!target || !kinds[kind]) {
    console.error("usage: node hf2gguf.mjs DIR OUT.gguf [f32|f16|bf16|q8_0]");
    process.exit(2);
}

const readJson = name => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
const config = readJson("config.json");
const heads = config.num_attention_heads, kvHeads = config.num_key_value_heads;
const headDim = config.head_dim ?? config.hidden_size / heads;
const ropeTheta = config.rope_theta ?? config.rope_parameters?.rope_theta ?? 10000;

// ---- safetensors ----
const file = fs.readFileSync(path.join(folder, "model.safetensors"));
const headerLength = Number(file.readBigUInt64LE(0));
const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength));

function load(name) {
    const {dtype, shape, data_offsets: [start, end]} = header[name];
    const bytes = file.subarray(8 + headerLength + start, 8 + headerLength + end);
    const aligned = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    if (dtype === "F32") return {shape, data: new Float32Array(aligned)};
    const halves = new Uint16Array(aligned), data = new Float32Array(halves.length);
    if (dtype === "BF16") {
        const bits = new Uint32Array(data.buffer);
        for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
    } else if (dtype === "F16") {
        for (let i = 0; i < halves.length; i++) data[i] = halfToFloat(halves[i]);
    } else throw new Error(`${name}: dtype ${dtype} is not supported`);
    return {shape, data};
}

function halfToFloat(half) {
    const sign = half & 0x8000 ? -1 : 1, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// Hugging Face keeps the two halves of a rotated pair half a head apart, GGUF keeps them side by side.
function interleave({shape: [rows, columns], data}, headCount) {
    const out = new Float32Array(data.length), half = rows / headCount / 2;
    for (let head = 0; head < headCount; head++)
        for (let i = 0; i < half; i++)
            for (let side = 0; side < 2; side++) {
                const from = (head * 2 * half + side * half + i) * columns, to = (head * 2 * half + 2 * i + side) * columns;
                out.set(data.subarray(from, from + columns), to);
            }
    return {shape: [rows, columns], data: out};
}

const tensors = [["token_embd.weight", () => load("model.embed_tokens.weight")], ["output_norm.weight", () => load("model.norm.weight")]];
if (header["lm_head.weight"] && !config.tie_word_embeddings) tensors.push(["output.weight", () => load("lm_head.weight")]);
for (let i = 0; i < config.num_hidden_layers; i++) {
    const from = `model.layers.${i}.`, to = `blk.${i}.`;
    tensors.push(
        [`${to}attn_norm.weight`, () => load(`${from}input_layernorm.weight`)],
        [`${to}ffn_norm.weight`, () => load(`${from}post_attention_layernorm.weight`)],
        [`${to}attn_q.weight`, () => interleave(load(`${from}self_attn.q_proj.weight`), heads)],
        [`${to}attn_k.weight`, () => interleave(load(`${from}self_attn.k_proj.weight`), kvHeads)],
        [`${to}attn_v.weight`, () => load(`${from}self_attn.v_proj.weight`)],
        [`${to}attn_output.weight`, () => load(`${from}self_attn.o_proj.weight`)],
        [`${to}ffn_gate.weight`, () => load(`${from}mlp.gate_proj.weight`)],
        [`${to}ffn_up.weight`, () => load(`${from}mlp.up_proj.weight`)],
        [`${to}ffn_down.weight`, () => load(`${from}mlp.down_proj.weight`)]);
}

// ---- GGUF values ----
const u32 = value => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const u64 = value => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b; };
const f32 = value => { const b = Buffer.alloc(4); b.writeFloatLE(value); return b; };
const text = value => { const b = Buffer.from(value, "utf8"); return Buffer.concat([u64(b.length), b]); };
const U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9;
const settings = [];
const put = (key, type, value) => settings.push(Buffer.concat([text(key), u32(type), value]));
const array = (type, values) => Buffer.concat([u32(type), u64(values.length), ...values]);

put("general.architecture", STRING, text("llama"));
put("general.file_type", U32, u32(kinds[kind].file));
put("llama.context_length", U32, u32(config.max_position_embeddings));
put("llama.embedding_length", U32, u32(config.hidden_size));
put("llama.block_count", U32, u32(config.num_hidden_layers));
put("llama.feed_forward_length", U32, u32(config.intermediate_size));
put("llama.attention.head_count", U32, u32(heads));
put("llama.attention.head_count_kv", U32, u32(kvHeads));
put("llama.attention.key_length", U32, u32(headDim));
put("llama.attention.value_length", U32, u32(headDim));
put("llama.attention.layer_norm_rms_epsilon", F32, f32(config.rms_norm_eps));
put("llama.rope.freq_base", F32, f32(ropeTheta));
put("llama.rope.dimension_count", U32, u32(headDim));
put("llama.vocab_size", U32, u32(config.vocab_size));

const tokenizer = readJson("tokenizer.json"), added = tokenizer.added_tokens ?? [];
const tokens = Array.from({length: config.vocab_size}, (_, i) => `<unused${i}>`), types = new Array(config.vocab_size).fill(5);
for (const [token, id] of Object.entries(tokenizer.model.vocab)) { tokens[id] = token; types[id] = 1; }
for (const {content, id, special} of added) { tokens[id] = content; types[id] = special ? 3 : 4; }
put("tokenizer.ggml.model", STRING, text("gpt2"));
put("tokenizer.ggml.pre", STRING, text("smollm"));
put("tokenizer.ggml.tokens", ARRAY, array(STRING, tokens.map(text)));
put("tokenizer.ggml.token_type", ARRAY, array(I32, types.map(u32)));
put("tokenizer.ggml.merges", ARRAY, array(STRING, tokenizer.model.merges.map(merge => text(Array.isArray(merge) ? merge.join(" ") : merge))));
const end = [config.eos_token_id].flat()[0];
if (end != null) for (const key of ["eos", "bos"]) put(`tokenizer.ggml.${key}_token_id`, U32, u32(end));
put("tokenizer.ggml.add_bos_token", BOOL, Buffer.from([0]));

// ---- GGUF tensors ----
function encode({shape, data}) {
    if (shape.length === 1 || kind === "f32") return {type: 0, bytes: Buffer.from(data.buffer)};
    const {type} = kinds[kind];
    if (kind === "q8_0") return {type, bytes: encodeQ8(data)};
    const bits = new Uint32Array(data.buffer), out = new Uint16Array(data.length);
    for (let i = 0; i < out.length; i++)
        out[i] = kind === "bf16" ? (bits[i] + 0x7fff + (bits[i] >>> 16 & 1)) >>> 16 : floatToHalf(data[i]);
    return {type, bytes: Buffer.from(out.buffer)};
}

// Blocks of 32: a half-precision scale, then 32 signed bytes.
function encodeQ8(data) {
    const out = Buffer.alloc(data.length / 32 * 34);
    for (let block = 0; block < data.length / 32; block++) {
        const values = data.subarray(block * 32, block * 32 + 32);
        const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
        out.writeUInt16LE(floatToHalf(scale), block * 34);
        for (let i = 0; i < 32; i++) out.writeInt8(scale ? Math.round(values[i] / scale) : 0, block * 34 + 2 + i);
    }
    return out;
}

function floatToHalf(value) {
    const sign = value < 0 ? 0x8000 : 0, size = Math.abs(value);
    if (size >= 65520) return sign | 0x7c00;
    if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
    const exponent = Math.floor(Math.log2(size));
    return sign | (exponent + 14 << 10) + Math.round(size / 2 ** exponent * 1024);
}

const infos = [], blobs = [];
let offset = 0;
for (const [name, read] of tensors) {
    const tensor = read(), {type, bytes} = encode(tensor), padding = (32 - bytes.length % 32) % 32;
    infos.push(Buffer.concat([text(name), u32(tensor.shape.length), ...tensor.shape.toReversed().map(u64), u32(type), u64(offset)]));
    blobs.push(bytes, Buffer.alloc(padding));
    offset += bytes.length + padding;
}

const head = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(settings.length), ...settings, ...infos]);
const output = fs.openSync(target, "w");
fs.writeSync(output, head);
fs.writeSync(output, Buffer.alloc((32 - head.length % 32) % 32));
for (const blob of blobs) fs.writeSync(output, blob);
fs.closeSync(output);
console.log(`${target}: ${tensors.length} tensors, ${kind}, ${fs.statSync(target).size.toLocaleString("en")} bytes`);
