import type { FailureKind } from '../types.js';
import type { FollowUp } from './request-outcome.js';

/** What a code, or a known message, says for certain. */
export interface Meaning {
  readonly kind: FailureKind;
  readonly next: FollowUp;
}

/** A content filter of the endpoint or of a gateway refuses the row. */
export const FILTERED: Meaning = { kind: 'content-filter', next: 'skip' };
/** The row is too long for the model, or too large for the account. */
export const TOO_LONG: Meaning = { kind: 'too-long', next: 'skip' };
/** The account's credit, or its limit of a day or month, is used up. */
export const USED_UP: Meaning = { kind: 'quota', next: 'stop' };
/** The key, or who asks with it, is refused. */
export const NO_KEY: Meaning = { kind: 'refused-key', next: 'stop' };
/** There is no such model or address. */
export const NOT_THERE: Meaning = { kind: 'refused-request', next: 'stop' };
/** Too much at once. */
export const LIMITED: Meaning = { kind: 'rate-limit', next: 'wait' };
/** A model is on its way into memory. */
export const LOADING: Meaning = { kind: 'server', next: 'load' };

const words = (text: string) => text.trim().split(/\s+/);

/**
 * Codes, types and reasons that mean the same under every status, in lower case, by what they mean.
 * The first that fits counts.
 */
const CERTAIN: readonly (readonly [Meaning, ReadonlySet<string>])[] = [
  [
    FILTERED,
    new Set(
      words(`content_filter content_filtered content_filter_error content_policy content_policy_violation content_moderation
        moderation_blocked prompt_blocked content_blocked safety prohibited_content recitation blocklist spii invalid_prompt
        responsibleaipolicyviolation data_inspection_failed datainspectionfailed sensitive_content input_moderation_failed
        contentpolicyviolationerror`),
    ),
  ],
  [
    TOO_LONG,
    new Set(
      words(`context_length_exceeded exceed_context_size_error context_window_exceeded context_window_exceeded_error
        model_context_window_exceeded contextwindowexceedederror string_above_max_length string_too_long request_too_large
        payload_too_large prompt_too_long input_too_long tokens_limit_reached token_limit_exceeded
        model_max_prompt_tokens_exceeded context_size_exceeded weight_exceeds_budget`),
    ),
  ],
  [
    USED_UP,
    new Set(
      words(`insufficient_quota billing_hard_limit_reached billing_not_active billing_error insufficient_balance
        insufficient_credits insufficient_user_quota insufficient_funds credit_balance_too_low credits_exhausted
        exceeded_current_quota_error access_terminated access_terminated_error payment_required arrearage
        monthly_limit_exceeded daily_limit_exceeded usage_limit_reached budget_exceeded
        openrouter_credits openrouter_key_limit openrouter_guardrail_budget openrouter_workspace_budget`),
    ),
  ],
  [
    NO_KEY,
    new Set(
      words(`invalid_api_key incorrect_api_key wrong_api_key missing_api_key no_api_key api_key_invalid api_key_expired
        api_key_service_blocked invalid_authentication_error account_deactivated unsupported_country_region_territory
        failed_precondition organization_restricted`),
    ),
  ],
  [
    NOT_THERE,
    new Set(
      words(`model_not_found model_not_available model_decommissioned model_deprecated model_terms_required unknown_model
        model_not_exist model_not_found_error deploymentnotfound deployment_not_found unknown_url model_permission_blocked_org
        model_permission_blocked_project`),
    ),
  ],
  [LOADING, new Set(words('model_loading model_not_ready model_is_loading model_warming_up'))],
];

/** What the words for an error's kind mean for certain; undefined where none of them does. */
export const meaningOf = (names: readonly string[]): Meaning | undefined =>
  CERTAIN.find(([, known]) => names.some((name) => known.has(name)))?.[0];

/** Words that name the class of an error, as its status does; they count where there is no status that does. */
const STATUSES: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  rate_limit_reached_error: 429,
  ratelimiterror: 429,
  too_many_requests: 429,
  resource_exhausted: 429,
  authentication_error: 401,
  authenticationerror: 401,
  unauthenticated: 401,
  unauthorized: 401,
  permission_denied: 403,
  permission_error: 403,
  permissiondeniederror: 403,
  not_found: 404,
  not_found_error: 404,
  notfounderror: 404,
  invalid_request_error: 400,
  invalid_request: 400,
  invalid_argument: 400,
  badrequesterror: 400,
  unprocessableentityerror: 422,
  validation: 422,
  deadline_exceeded: 504,
  timeout: 504,
  timeout_error: 504,
  unavailable: 503,
  unavailable_error: 503,
  service_unavailable: 503,
  overloaded: 503,
  overloaded_error: 529,
  engine_overloaded_error: 503,
  internal: 500,
  internal_error: 500,
  internal_server_error: 500,
  internalservererror: 500,
  server_error: 500,
  api_error: 500,
  generation: 500,
};

/** The status that the words for an error's kind stand for; undefined where they stand for none. */
export const statusFor = (names: readonly string[]): number | undefined =>
  names.map((name) => STATUSES[name]).find((status) => status !== undefined);
