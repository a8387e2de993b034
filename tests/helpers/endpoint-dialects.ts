import {
  bounded,
  gemini,
  has,
  jsonSchema,
  more,
  openai,
  openRouter,
  type ServerDialect,
  system,
  unsupported,
} from './endpoint-refusals.js';
import { OWN } from './own-dialects.js';

/** Endpoints that others run. */
const HOSTED: Readonly<Record<string, ServerDialect>> = {
  'OpenAI, gpt-4o': { refuses: [] },
  'OpenAI, gpt-5': {
    refuses: [
      unsupported(
        'max_tokens',
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      ),
      [
        has('temperature'),
        400,
        openai(
          "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
          'temperature',
          'unsupported_value',
        ),
      ],
      unsupported('logprobs'),
    ],
    without: ['logprobs', 'temperature'],
    limit: 'max_completion_tokens',
  },
  'OpenAI, gpt-5.2: a param without a code': {
    refuses: [[has('temperature'), 400, openai("Unsupported parameter: 'temperature'", 'temperature', null)]],
    without: ['temperature'],
  },
  'OpenAI, o1-mini': {
    refuses: [
      [
        system,
        400,
        openai(
          "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
          'messages[0].role',
          'unsupported_value',
        ),
      ],
      unsupported('max_tokens'),
      [
        jsonSchema,
        400,
        openai(
          "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
          'response_format',
          null,
        ),
      ],
      unsupported('logprobs'),
      [has('temperature'), 400, openai("Unsupported value: 'temperature'", 'temperature', 'unsupported_value')],
    ],
    without: ['schema', 'logprobs', 'systemTurn', 'temperature'],
    limit: 'max_completion_tokens',
  },
  Azure: {
    refuses: [
      [
        (_, { headers }) => headers['api-key'] === undefined,
        401,
        { error: { code: '401', message: 'Access denied due to invalid subscription key or wrong API endpoint.' } },
      ],
      [
        more(5),
        400,
        openai("Invalid value for 'top_logprobs': must be less than or equal to 5.", 'top_logprobs', null),
      ],
    ],
    most: 5,
    key: 'api-key',
  },
  'Azure, an older api-version': {
    refuses: [
      [
        (_, { headers }) => headers['api-key'] === undefined,
        401,
        { statusCode: 401, message: 'Unauthorized. Access token is missing, invalid, or expired.' },
      ],
      [has('logprobs'), 400, openai("True is not of type 'integer' - 'logprobs'", null, null)],
      [
        jsonSchema,
        400,
        {
          error: {
            code: 'BadRequest',
            message:
              'response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later',
          },
        },
      ],
    ],
    without: ['schema', 'logprobs'],
    key: 'api-key',
  },
  Gemini: {
    refuses: [
      [has('seed'), 400, gemini('Invalid JSON payload received. Unknown name "seed": Cannot find field.')],
      [has('logprobs'), 400, gemini('Logprobs is not enabled for models/gemini-2.5-flash')],
    ],
    without: ['logprobs', 'seed'],
  },
  'Gemini, both in one message': {
    refuses: [
      [
        (body) => 'seed' in body || 'temperature' in body,
        400,
        gemini(
          'Invalid JSON payload received. Unknown name "temperature": Cannot find field.\nInvalid JSON payload received. Unknown name "seed": Cannot find field.',
        ),
      ],
    ],
    without: ['temperature', 'seed'],
  },
  'Gemini, a model without system turn': {
    refuses: [[system, 400, gemini('Developer instruction is not enabled for models/gemma-3-27b-it')]],
    without: ['systemTurn'],
  },
  Anthropic: {
    refuses: [
      [
        bounded,
        400,
        {
          type: 'error',
          error: {
            type: 'invalid_request_error',
            message: "output_format.schema: For 'number' type, properties maximum, minimum are not supported",
          },
        },
      ],
    ],
  },
  'Anthropic, a model without structured output': {
    refuses: [
      [
        has('response_format'),
        400,
        { type: 'error', error: { type: 'invalid_request_error', message: 'output_format: not supported' } },
      ],
    ],
    without: ['schema'],
  },
  'Anthropic, a model that has no temperature': {
    refuses: [
      [
        has('temperature'),
        400,
        {
          type: 'error',
          error: { type: 'invalid_request_error', message: '`temperature` is deprecated for this model.' },
          request_id: 'req_1',
        },
      ],
    ],
    without: ['temperature'],
  },
  'OpenRouter, a schema refused by the provider': {
    refuses: [
      [
        jsonSchema,
        400,
        openRouter('Cerebras', {
          message: 'Unsupported JSON schema fields: additionalProperties',
          type: 'invalid_request_error',
          param: 'response_format',
          code: 'wrong_api_format',
        }),
      ],
    ],
    without: ['schema'],
  },
  'OpenRouter, a temperature refused by the provider': {
    refuses: [
      [
        has('temperature'),
        400,
        openRouter('OpenAI', openai("Unsupported value: 'temperature'", 'temperature', 'unsupported_value')),
      ],
    ],
    without: ['temperature'],
  },
  'OpenRouter, errors under a status of success': {
    refuses: [
      [has('seed'), 200, openRouter('Google', gemini('Invalid JSON payload received. Unknown name "seed"')[0])],
    ],
    without: ['seed'],
  },
  Together: { refuses: [] },
  'Together, an older model': {
    refuses: [[more(1), 400, openai("20 is greater than the maximum of 1 - 'logprobs'", 'logprobs', null)]],
    most: 1,
  },
  Groq: {
    refuses: [
      [
        has('logprobs'),
        400,
        { error: { message: '`logprobs` is not supported with this model', type: 'invalid_request_error' } },
      ],
      [
        jsonSchema,
        400,
        {
          error: {
            message: 'This model does not support response format `json_schema`.',
            type: 'invalid_request_error',
            param: 'response_format',
          },
        },
      ],
    ],
    without: ['schema', 'logprobs'],
  },
  Cerebras: {
    refuses: [
      [
        bounded,
        422,
        {
          message: 'Unsupported JSON schema fields: minimum, maximum',
          type: 'invalid_request_error',
          param: 'response_format',
          code: 'wrong_api_format',
        },
      ],
    ],
  },
  'Cerebras, a model without schemas': {
    refuses: [
      [
        jsonSchema,
        400,
        { message: 'not available', type: 'invalid_request_error', param: 'response_format', code: 'wrong_api_format' },
      ],
    ],
    without: ['schema'],
  },
  DeepSeek: {
    refuses: [[jsonSchema, 400, openai('This response_format type is unavailable now', null, 'invalid_request_error')]],
    without: ['schema'],
  },
  'DeepSeek, the reasoner': {
    refuses: [
      [jsonSchema, 400, openai('deepseek-reasoner does not support Json Output.', null, 'invalid_request_error')],
      [
        has('logprobs'),
        400,
        openai('deepseek-reasoner does not support the parameter `logprobs`', null, 'invalid_request_error'),
      ],
    ],
    without: ['schema', 'logprobs'],
  },
  'Mistral, which lists all fields that it does not know': {
    refuses: [[(body) => 'seed' in body || 'logprobs' in body, 422, 'forbidden']],
    without: ['logprobs', 'seed'],
  },
  'Fireworks, without a word on the number': {
    refuses: [[more(5), 400, openai('top_logprobs is invalid', null, 'invalid_request_error')]],
    most: 5,
  },
  'Qwen, which streams only': {
    refuses: [
      [
        (body) => body.stream !== true,
        400,
        {
          error: {
            code: 'invalid_parameter_error',
            param: null,
            message: 'This model only support stream mode, please enable the stream parameter to access the model. ',
            type: 'invalid_request_error',
          },
        },
      ],
    ],
    stream: true,
  },
};

/** The servers of docs/endpoints.md, with what they refuse as they word it, and further forms of the same kinds. */
export const SERVERS: Readonly<Record<string, ServerDialect>> = { ...HOSTED, ...OWN };
