import { has, jsonSchema, more, type ServerDialect, system, vllm } from './endpoint-refusals.js';

/** Servers and gateways that people run themselves. */
export const OWN: Readonly<Record<string, ServerDialect>> = {
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
  'LM Studio, whose errors come under a status of success': {
    refuses: [[jsonSchema, 200, { error: 'Structured output is not supported by this model' }]],
    without: ['schema'],
  },
  'a server of Rust, which lists what it knows': {
    refuses: [
      [
        has('seed'),
        422,
        'Failed to deserialize the JSON body into the target type: unknown field `seed`, expected one of `model`, `messages`, `max_tokens`, `temperature`, `response_format`, `stream` at line 1 column 9',
      ],
    ],
    without: ['seed'],
  },
  'a server that names a field by its path': {
    refuses: [
      [has('seed'), 400, { error: { message: 'no', param: '$.seed', type: 'invalid_request_error' } }],
      [
        jsonSchema,
        422,
        { detail: [{ type: 'value_error', loc: ['body', 'response_format', 'json_schema'], msg: 'no' }] },
      ],
      [has('temperature'), 400, { error: { message: 'no', param: "body['temperature']", code: 'unsupported_value' } }],
    ],
    without: ['schema', 'temperature', 'seed'],
  },
  'a server that gives no reason at all for a seed': {
    refuses: [[has('seed'), 400, { error: { message: 'Bad Request' } }]],
    without: ['seed'],
  },
  'a server that gives no reason at all for two of them': {
    refuses: [[(body) => 'seed' in body || 'logprobs' in body, 422, 'Unprocessable Entity']],
    without: ['logprobs', 'seed'],
  },
  'a gateway to gpt-5 that drops the param': {
    refuses: [
      [
        has('max_tokens'),
        400,
        {
          error: {
            message:
              "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            code: 'invalid_request_body',
          },
        },
      ],
      [
        has('temperature'),
        400,
        {
          error: {
            message:
              "OpenAIException - Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
            type: null,
            param: null,
            code: '400',
          },
        },
      ],
    ],
    without: ['temperature'],
    limit: 'max_completion_tokens',
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
