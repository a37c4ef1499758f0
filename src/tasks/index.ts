/** The tasks' door: corpus, documents and the tasks drawn from them. */
export { CorpusError, LEAST_BYTES, previewCorpus, readCorpus, withoutFiles, type Corpus, type CorpusFile, type CorpusPreview, type Rejection } from './corpus.ts';
export { findDocuments, measuredDocuments, requireDocuments, type Documents, type FindOptions } from './documents.ts';
export { promptedTasks, unconditionalTasks, type PromptOptions } from './python.ts';
export { userSources } from './sources.ts';
export { splitOf, textId } from './splits.ts';
