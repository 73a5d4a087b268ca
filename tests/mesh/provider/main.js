// An OpenID provider for the tests: the certified library, with accounts and a client that the test names in a file, and a login page.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { host = '127.0.0.1', port, client, accounts } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const scope = 'openid email profile groups offline_access';

const provider = new Provider(`http://${host}:${port}`, {
  clients: [client],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { email: ['email', 'email_verified'], groups: ['groups'], profile: ['preferred_username'] },
  // The policies read the token, and ask nobody for more.
  conformIdTokenClaims: false,
  // A code is worth nothing without what the login began with.
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (context, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id].claims }) },
  issueRefreshToken: (context, to) => to.grantTypeAllowed('refresh_token'),
  // Nobody is asked whether Kubeflow may know them.
  async loadExistingGrant(context) {
    const { client: to, session } = context.oidc;
    const known = session.grantIdFor(to.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: to.clientId, accountId: session.accountId });
    grant.addOIDCScope(scope);
    await grant.save();
    return grant;
  },
});

// The page that asks for a name and a password, and takes them.
async function page(request, response) {
  await provider.interactionDetails(request, response);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const id = form.get('login');
  if (id && accounts[id]?.password === form.get('password')) {
    return provider.interactionFinished(request, response, { login: { accountId: id } });
  }
  response.writeHead(id ? 401 : 200, { 'content-type': 'text/html' });
  return response.end('<form method="post"><input name="login"><input name="password" type="password"><button>Log in</button></form>');
}

const answer = provider.callback();
createServer((request, response) => {
  const answered = request.url.startsWith('/interaction/') ? page(request, response) : answer(request, response);
  Promise.resolve(answered).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(port, host);
