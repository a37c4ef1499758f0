/** The tokenizer's door: what the rest of the project imports. */
export { Tokenizer, TokenizerError, SPECIAL_IDS, SPECIAL_TOKENS } from './tokenizer.ts';
export { trainTokenizer } from './train.ts';
export { loadTokenizer, saveTokenizer, tokenizerFromJson, tokenizerToJson } from './file.ts';
