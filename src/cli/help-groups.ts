/** The headings of the options of an endpoint, in the help of every command that asks one. */
export const ENDPOINT_GROUPS = {
  Endpoint: ['baseUrl', 'apiKeyEnv', 'concurrency', 'requestsPerMinute', 'tokensPerMinute', 'timeoutSeconds'],
  Retries: ['tries', 'retryWait', 'retryBudget'],
  Cost: ['maxCost', 'prices', 'yes'],
};

/** Options of how a program runs, as they stand under a heading of help. */
export const PROGRAM_OPTIONS = [
  'precision',
  'loadIn16bit',
  'loadIn8bit',
  'loadIn4bit',
  'mode',
  'compile',
  'attention',
] as const;
