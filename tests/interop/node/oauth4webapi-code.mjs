// A person signs in with npm oauth4webapi, in the manner of its own examples.

import * as oauth from 'oauth4webapi'
import { signIn } from './person.mjs'
import {
  ALG, API, CLIENT_ID, ISSUER, PUSH, REDIRECT_URI, SCOPE, authentication, claimsOf, report,
} from './scenario.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // the server is on a loopback port

/** What `send` gives; it is tried again with the nonce that is then known. */
async function withNonce(send) {
  return send().catch((err) => {
    if (oauth.isDPoPNonceError(err)) return send()
    throw err
  })
}

await report(async () => {
  const issuer = new URL(ISSUER)
  const as = await oauth
    .discoveryRequest(issuer, insecure)
    .then((response) => oauth.processDiscoveryResponse(issuer, response))
  const client = { client_id: CLIENT_ID }
  const clientAuth = await authentication(oauth)
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(ALG))
  const jkt = await DPoP.calculateThumbprint()
  const proven = { DPoP, ...insecure }

  // the browser's part
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  let asked = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  if (PUSH) {
    const pushed = await withNonce(async () => {
      const answer = await oauth.pushedAuthorizationRequest(as, client, clientAuth, asked, proven)
      return oauth.processPushedAuthorizationResponse(as, client, answer)
    })
    asked = new URLSearchParams({ client_id: CLIENT_ID, request_uri: pushed.request_uri })
  } else {
    asked.set('dpop_jkt', jkt)
  }
  const there = await signIn(`${as.authorization_endpoint}?${asked}`, 'alice', REDIRECT_URI)
  const told = oauth.validateAuthResponse(as, client, there, state)

  // tokens
  const first = await withNonce(async () => {
    const answer = await oauth.authorizationCodeGrantRequest(
      as, client, clientAuth, told, REDIRECT_URI, verifier, proven,
    )
    const checks = { expectedNonce: nonce, requireIdToken: true }
    const found = await oauth.processAuthorizationCodeResponse(as, client, answer, checks)
    await oauth.validateApplicationLevelSignature(as, answer, insecure)
    return found
  })
  const { sub } = oauth.getValidatedIdTokenClaims(first)
  const refresh = (token) => withNonce(async () => {
    const answer = await oauth.refreshTokenGrantRequest(as, client, clientAuth, token, proven)
    return oauth.processRefreshTokenResponse(as, client, answer)
  })
  const refreshed = await refresh(first.refresh_token)

  // what they are good for
  const api = []
  for (const { access_token } of [first, refreshed]) {
    const response = await withNonce(() =>
      oauth.protectedResourceRequest(access_token, 'GET', new URL(API), undefined, undefined, proven),
    )
    api.push({ status: response.status, claims: await response.json() })
  }
  const userinfo = await claimsOf(async (bound) => {
    const answer = await oauth.userInfoRequest(
      as, client, refreshed.access_token, bound ? proven : insecure,
    )
    return oauth.processUserInfoResponse(as, client, sub, answer)
  })
  const asApi = { client_id: 'api' }
  const introspected = await oauth
    .introspectionRequest(
      as, asApi, oauth.ClientSecretBasic('secret'), refreshed.access_token, insecure,
    )
    .then((answer) => oauth.processIntrospectionResponse(as, asApi, answer))

  // the end
  const last = refreshed.refresh_token ?? first.refresh_token
  await oauth
    .revocationRequest(as, client, clientAuth, last, insecure)
    .then(oauth.processRevocationResponse)
  const after = await refresh(last).then(() => 'taken', (err) => err.error)
  const rotated = refreshed.refresh_token !== first.refresh_token
  return {
    token_type: first.token_type, jkt, sub, api, userinfo, introspected, rotated, after,
  }
})
