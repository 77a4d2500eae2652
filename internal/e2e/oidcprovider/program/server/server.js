// node-oidc-provider for tests, on 127.0.0.1 only:
//
//   node server.js PORT
//
// It is spoken to on standard input, a line at a time, and answers each line on
// standard output, with the line itself once what it says is done and with what
// it asks for, or with what went wrong; its log is standard error:
//
//   provider {"jwks": {...}, "clients": [...]}   serve with these keys and clients
//   clock 60000                                  be a minute ahead of the machine
//   count                                        say what became of refresh tokens
//
// The first provider line starts it listening, over TLS if the line has
// "tls": {"cert": ..., "key": ...}. A later one takes the place of the first
// between two requests: with other keys that is a rotation in which the old and
// the new are never published together. The tokens already issued stay. The end of
// standard input ends it.
//
// A provider line may say more: "idTokenTTL" and "grace", in seconds, "delay", in
// milliseconds, "refuses", with which the user allows no login, and "away", with which
// it does not listen until a line that does not say so.

import http from 'node:http';
import https from 'node:https';
import readline from 'node:readline';

import { Provider, errors } from 'oidc-provider';

const port = Number(process.argv[2]);

console.info = console.error; // standard output is for answers

// Whatever here asks for the time of day asks Date.now.
const machine = Date.now;
let offset = 0;
Date.now = () => machine() + offset;

// Tokens of these resources (RFC 8707) can be had. What a token is for is also
// its aud.
const resources = {
  'https://jwt.example': 'jwt',
  'https://other.example': 'jwt',
  'https://opaque.example': 'opaque',
};

// For how many seconds a refresh token that was exchanged can be so again. Its
// successors are then all good.
let grace = 0;
const seconds = () => Math.floor(Date.now() / 1000);
const forgiven = (payload) => payload?.consumed + grace > seconds();

// What is stored outlives the provider that stored it.
const stored = new Map();
const adapter = (kind) => ({
  upsert: async (id, payload) => { stored.set(`${kind}:${id}`, payload); },
  find: async (id) => {
    const payload = stored.get(`${kind}:${id}`);
    return kind === 'RefreshToken' && forgiven(payload) ? { ...payload, consumed: undefined } : payload;
  },
  findByUid: async (uid) => among(kind, (payload) => payload.uid === uid),
  findByUserCode: async (code) => among(kind, (payload) => payload.userCode === code),
  destroy: async (id) => { stored.delete(`${kind}:${id}`); },
  consume: async (id) => { stored.get(`${kind}:${id}`).consumed ??= seconds(); },
  revokeByGrantId: async (grantId) => {
    for (const [key, payload] of stored) {
      if (payload.grantId === grantId) stored.delete(key);
    }
  },
});

function among(kind, wanted) {
  for (const [key, payload] of stored) {
    if (key.startsWith(`${kind}:`) && wanted(payload)) return payload;
  }
  return undefined;
}

// login is the grant of whoever asks for it: it stands for a user who logs in,
// and brings the first refresh token.
const login = 'urn:test:login';
async function logIn(ctx) {
  const { client, provider } = ctx.oidc;
  const accountId = 'alice';
  const scope = 'openid offline_access';
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const common = { accountId, client, grantId, gty: 'login', scope };
  const accessToken = new provider.AccessToken(common);
  ctx.body = {
    access_token: await accessToken.save(),
    expires_in: accessToken.expiration,
    refresh_token: await new provider.RefreshToken(common).save(),
    token_type: accessToken.tokenType,
  };
}

// What became of refresh tokens: how many requests presented one, how many
// different ones those were, how many were exchanged, and how many grants have
// been revoked, because one came again or by a client.
const presented = [];
let exchanged = 0;
let revoked = 0;

// How many milliseconds the answer takes once a token was exchanged, or refused.
let delay = 0;

async function counting(ctx, next) {
  await next();
  if (ctx.method === 'POST' && ctx.oidc?.params?.grant_type === 'refresh_token') {
    presented.push(ctx.oidc.params.refresh_token);
    if (ctx.status === 200) exchanged += 1;
    if (delay) await new Promise((resolve) => { setTimeout(resolve, delay); });
  }
}

// The user, who is not asked anything: whatever page the server would show in a
// browser is answered as soon as it is opened.
const interaction = (provider, refuses) => async (request, response) => {
  const { params } = await provider.interactionDetails(request, response);
  if (refuses) {
    await provider.interactionFinished(request, response, { error: 'access_denied' });
    return;
  }
  const grant = new provider.Grant({ accountId: 'alice', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  await provider.interactionFinished(request, response, {
    login: { accountId: 'alice' }, consent: { grantId: await grant.save() },
  });
};

function newProvider({
  jwks, clients, tls, idTokenTTL, refuses,
}) {
  const { alg } = jwks.keys[0];
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    adapter,
    jwks,
    clients: clients.map((client) => ({ ...client, id_token_signed_response_alg: alg })),
    clockTolerance: 0,
    scopes: ['read', 'write', 'openid', 'offline_access'],
    rotateRefreshToken: true,
    ...(idTokenTTL ? { ttl: { IdToken: idTokenTTL } } : undefined),
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo(_, resource) {
          const format = resources[resource];
          if (!format) throw new errors.InvalidTarget();
          return {
            audience: resource,
            scope: 'read write',
            accessTokenFormat: format,
            accessTokenTTL: 600,
            jwt: { sign: { alg } },
          };
        },
      },
    },
  });
  provider.registerGrantType(login, logIn);
  provider.use(counting);
  provider.on('grant.revoked', () => { revoked += 1; });
  provider.on('server_error', (_, err) => console.error(err));
  const others = provider.callback();
  const user = interaction(provider, refuses);
  return (request, response) => {
    const what = request.url.startsWith('/interaction/') ? user : others;
    what(request, response).catch((err) => {
      console.error(err);
      response.destroy();
    });
  };
}

let answer;
function listener(request, response) {
  response.setHeader('Date', new Date(Date.now()).toUTCString());
  answer(request, response);
}
let server;

const commands = {
  __proto__: null,
  async provider(line) {
    const setup = JSON.parse(line);
    answer = newProvider(setup);
    grace = setup.grace ?? 0;
    delay = setup.delay ?? 0;
    server ??= setup.tls ? https.createServer(setup.tls, listener) : http.createServer(listener);
    // Node's 5 s may end just as a client sends a request that it may not repeat.
    server.keepAliveTimeout = 10 * 60 * 1000;
    if (setup.away && server.listening) {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    } else if (!setup.away && !server.listening) {
      await new Promise((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve);
      });
    }
  },
  clock(milliseconds) {
    if (!/^-?\d{1,15}$/.test(milliseconds)) {
      throw new Error('clock needs a number of milliseconds');
    }
    offset = Number(milliseconds);
  },
  count() {
    return { presented: presented.length, different: new Set(presented).size, exchanged, revoked };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ');
  try {
    const command = commands[line.slice(0, space)];
    if (!command) {
      throw new Error('no such command');
    }
    const asked = await command(line.slice(space + 1));
    console.log(asked ? line + JSON.stringify(asked) : line);
  } catch (err) {
    // The text of a JSON error quotes what it read, which has keys in it.
    console.log(err instanceof SyntaxError ? 'that is no JSON' : err.message);
  }
}
process.exit(0);
