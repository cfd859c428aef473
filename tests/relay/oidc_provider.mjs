/**
 * A real OpenID Connect provider for tests: npm's oidc-provider on a free port of loopback, whose address is written to
 * stdout. Whoever comes is signed in as `login_hint` says, or as "carol", and is asked nothing.
 */

import http from "node:http";
import Provider from "oidc-provider";

const back = process.argv[2];
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = { client_id: "avl", client_secret: "client secret of the relay", redirect_uris: [back] };
  const open = { client_id: "open", token_endpoint_auth_method: "none", redirect_uris: [back] };
  const provider = new Provider(issuer, {
    clients: [client, open],
    pkce: { required: () => true },
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: `${sub} <b>\u202e`, preferred_username: sub, email: "ada@example.org" }),
    }),
  });
  const answers = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return answers(request, response);
    const { prompt, params, grantId, session } = await provider.interactionDetails(request, response);
    const accountId = session?.accountId ?? params.login_hint ?? "carol";
    if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId } });
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope("openid profile email");
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  });
  process.stdout.write(`${issuer}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
