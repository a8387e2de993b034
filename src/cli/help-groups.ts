/** The headings of the options of an endpoint, in the help of every command that asks one. */
export const ENDPOINT_GROUPS = {
  Endpoint: ['baseUrl', 'apiKeyEnv', 'concurrency', 'requestsPerMinute', 'tokensPerMinute', 'timeoutSeconds'],
  Retries: ['tries', 'retryWait', 'retryBudget'],
  Cost: ['maxCost', 'prices', 'yes'],
};
