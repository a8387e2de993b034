/**
 * Log-odds below which a preference is a tie, in nats: what batches of another size change about a sum in float32.
 */
export const TIE = 1e-3;

/** What a judge that gives log-odds says about a pair, from both of its orders. */
export interface PairLogOdds {
  /** Log-odds that the first answer of the first order is better, in nats: what both orders have in common, halved. */
  readonly preference: number;
  /** Log-odds that whatever stands first is better: half of what they have not in common. */
  readonly position: number;
}

/**
 * Separates what a judge thinks of two answers from what it thinks of places. `ab` are its log-odds for the answer
 * that stands first, `ba` the same with the answers the other way round. Equal answers, whose two prompts are one,
 * give a preference of exactly 0.
 */
export const pairLogOdds = (ab: number, ba: number): PairLogOdds => ({
  preference: (ab - ba) / 2,
  position: (ab + ba) / 2,
});

/**
 * The score, 0 to 1, of the answer that a preference (nats) speaks for: the logistic function of
 * preference / temperature, and exactly 1/2 for a tie. The temperature is what `fitTemperature`
 * finds; 1 leaves the judge's own odds.
 */
export const scoreOfLogOdds = (preference: number, temperature = 1): number =>
  Math.abs(preference) < TIE ? 0.5 : 1 / (1 + Math.exp(-preference / temperature));

/** The same from the log-odds that an answer is better in each order. */
export const scoreOfOrders = (logOdds: readonly number[], temperature = 1): number =>
  scoreOfLogOdds(logOdds.reduce((sum, each) => sum + each, 0) / logOdds.length, temperature);

/** Which answer log-odds name. */
export const choiceOfLogOdds = (logOdds: number): 'first' | 'second' | 'tie' =>
  Math.abs(logOdds) < TIE ? 'tie' : logOdds > 0 ? 'first' : 'second';
