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
  vllm,
} from './endpoint-refusals.js';

/** The servers of docs/endpoints.md, with what they refuse as they word it, and further forms of the same kinds. */
export const SERVERS: Readonly<Record<string, ServerDialect>> = {
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
  'vLLM, --max-logprobs 10': {
    refuses: [
      [
        more(10),
        400,
        vllm(
          'Requested sample logprobs of 20, which is greater than max allowed: 10 (parameter=logprobs, value=20)',
          'logprobs',
        ),
      ],
    ],
    most: 10,
  },
  'vLLM 0.4': {
    refuses: [[more(5), 400, { object: 'error', ...vllm('Cannot request more than 5 logprobs.').error }]],
    most: 5,
  },
  'vLLM, a template without system turn': {
    refuses: [[system, 400, { object: 'error', ...vllm('System role not supported').error }]],
    without: ['systemTurn'],
  },
  'vLLM, a template where roles alternate': {
    refuses: [[system, 400, vllm('Conversation roles must alternate user/assistant/user/assistant/...')]],
    without: ['systemTurn'],
  },
  'SGLang, --grammar-backend none': {
    refuses: [
      [
        jsonSchema,
        400,
        {
          object: 'error',
          message:
            'Grammar-based generation (json_schema, regex, ebnf, structural_tag) is not supported when the server is launched with --grammar-backend none',
          type: 'BadRequest',
          param: null,
          code: 400,
        },
      ],
    ],
    without: ['schema'],
  },
  'llama.cpp': {
    refuses: [
      [
        jsonSchema,
        400,
        {
          error: {
            code: 400,
            message: 'Failed to initialize samplers: failed to parse grammar',
            type: 'invalid_request_error',
          },
        },
      ],
    ],
    without: ['schema'],
  },
  'llama.cpp, 500 for a grammar': {
    refuses: [[jsonSchema, 500, { error: { code: 500, message: 'Failed to parse grammar', type: 'server_error' } }]],
    without: ['schema'],
  },
  'llama.cpp, 500 for a template without system turn': {
    refuses: [[system, 500, { error: { code: 500, message: 'System role not supported', type: 'server_error' } }]],
    without: ['systemTurn'],
  },
  'Ollama, which takes the shorter name of the limit only': { refuses: [] },
  'LM Studio, whose errors are texts': {
    refuses: [[jsonSchema, 400, { error: "'response_format.type' must be 'text'" }]],
    without: ['schema'],
  },
  Together: {
    refuses: [
      [
        has('logprobs'),
        422,
        { id: 'x', error: { message: 'logprobs: invalid type: boolean', type: 'invalid_request_error', param: null } },
      ],
    ],
    without: ['logprobs'],
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
  'a server that gives no reason at all for a seed': {
    refuses: [[has('seed'), 400, { error: { message: 'Bad Request' } }]],
    without: ['seed'],
  },
  'a server that gives no reason at all for two of them': {
    refuses: [[(body) => 'seed' in body || 'logprobs' in body, 422, 'Unprocessable Entity']],
    without: ['logprobs', 'seed'],
  },
  'a gateway that does not know the limit by its shorter name': {
    refuses: [[has('max_tokens'), 400, { error: { message: 'unknown field "max_tokens"' } }]],
    limit: 'max_completion_tokens',
  },
  'a gateway of an SDK, whose error is a 500': {
    refuses: [[has('seed'), 500, { error: { message: "does not support parameters: {'seed': 1}", code: 500 } }]],
    without: ['seed'],
  },
};
