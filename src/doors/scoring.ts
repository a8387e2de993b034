/**
 * phasetune/scoring: what a judge is asked and what its reply means, lengths as scores, and how well scores agree.
 *
 * @module scoring
 */

export type { Task } from '../core/task.js';
export type { InstructionRecord, Message } from '../data/record.js';
export type { RequestMessage } from '../endpoint/types.js';
export { type AgreementPlot, agreementPlot } from '../plots/agreement-plot.js';
export type { Cleaning } from '../scoring/cleaning.js';
export type { Agreement, LengthCorrelation } from '../scoring/compare/agreement.js';
export {
  type ComparedRatings,
  type Comparison,
  type ComparisonProgress,
  compareRatings,
  type Disagreement,
  type NamedRatings,
  type PairComparison,
} from '../scoring/compare/compare.js';
export type { StageMoves } from '../scoring/compare/moves.js';
export { type CompareOptions, compareOptionsSchema } from '../scoring/compare/options.js';
export { comparisonReport, type ReportSettings } from '../scoring/compare/report.js';
export { type JudgeOptions, judgeOptionsSchema } from '../scoring/judge-options.js';
export { lengthScores } from '../scoring/length.js';
export { type LengthOptions, lengthOptionsSchema } from '../scoring/length-options.js';
export type { MatchBy, Matched } from '../scoring/match.js';
export { parseReply } from '../scoring/parse.js';
export type { ParsedReply } from '../scoring/parse-number.js';
export { type JudgePrompt, type PromptOptions, promptFor } from '../scoring/prompt.js';
export { type RatingOptions, type Ratings, type RowText, readRatings } from '../scoring/ratings.js';
export { loadRubric, type Rubric, type Scale } from '../scoring/rubric.js';
export { type RowScore, readScoresManifest, type ScoresManifest } from '../scoring/scored.js';
export type { Estimate } from '../statistics/bootstrap.js';
export type { Confusion } from '../statistics/kappa.js';
export type { PairCounts } from '../statistics/pairs.js';
export { type Block, markdown, plainLines } from '../telemetry/document.js';
export type {
  ChatRenderer,
  RenderedChat,
  RenderOptions,
  TemplateMessage,
  TextRange,
} from '../tokenizer/chat-template.js';
export type { Encoding } from '../tokenizer/encoding.js';
export type { LiteralText } from '../tokenizer/literal-text.js';
export type { EncodeInput, SpecialToken, Tokenizer } from '../tokenizer/tokenizer.js';
