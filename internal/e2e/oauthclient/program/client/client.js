// An OAuth 2.0 client for tests, which is openid-client and nothing else:
//
//   node client.js
//
// It is spoken to on standard input, a line at a time, and answers each line on
// standard output, with the line itself and what came of it, as JSON:
//
//   refresh {"server": {...}, "client": "cli", "auth": "none", "token": ...}
//   revoke {"server": {...}, "client": "cli", "auth": "none", "token": ...}
//
// Refresh is that of RFC 6749, section 6, and is answered with the tokens that
// came; revoke is that of RFC 7009. The server is its metadata (RFC 8414), and
// "auth" is how the client authenticates: none, or with its "secret" by basic or
// post. A failure is answered with what the library says of it:
//
//   {"failed": {"name": ..., "error": ..., "status": ...}}
//
// The end of standard input ends it.

import readline from 'node:readline';

import * as oauth from 'openid-client';

const authentications = {
  none: () => oauth.None(),
  basic: (secret) => oauth.ClientSecretBasic(secret),
  post: (secret) => oauth.ClientSecretPost(secret),
};

const commands = {
  __proto__: null,
  refresh: async (config, token) => ({ tokens: await oauth.refreshTokenGrant(config, token) }),
  revoke: async (config, token) => {
    await oauth.tokenRevocation(config, token, { token_type_hint: 'refresh_token' });
    return {};
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ');
  const request = JSON.parse(line.slice(space + 1));
  const config = new oauth.Configuration(
    request.server, request.client, undefined, authentications[request.auth](request.secret));
  oauth.allowInsecureRequests(config); // plain http: the server is on 127.0.0.1
  let answer;
  try {
    answer = await commands[line.slice(0, space)](config, request.token);
  } catch (err) {
    // What the server answered lies in the cause where the library could make
    // nothing of it.
    const response = err.response ?? err.cause;
    answer = {
      failed: {
        name: err.name,
        code: err.code,
        error: err.error,
        error_description: err.error_description,
        status: err.status ?? response?.status,
        retry_after: response?.headers?.get('retry-after') ?? undefined,
      },
    };
  }
  console.log(line + JSON.stringify(answer));
}
