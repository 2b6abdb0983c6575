// A person signs in with npm openid-client, in the manner of its own examples.

import * as client from 'openid-client'
import { signIn } from './person.mjs'
import {
  ALG, API, CLIENT_ID, ISSUER, PUSH, REDIRECT_URI, SCOPE, authentication, claimsOf, report,
} from './scenario.mjs'

await report(async () => {
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }
  const clientAuth = await authentication(client)
  const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, clientAuth, options)
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(ALG))
  const jkt = await DPoP.calculateThumbprint()

  // the browser's part
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const asked = {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }
  const url = PUSH
    ? await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
    : client.buildAuthorizationUrl(config, { ...asked, dpop_jkt: jkt })
  const there = await signIn(url, 'alice', REDIRECT_URI)

  // tokens
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  const first = await client.authorizationCodeGrant(config, there, checks, undefined, { DPoP })
  const { sub } = first.claims()
  const refreshed = await client.refreshTokenGrant(config, first.refresh_token, {}, { DPoP })

  // what they are good for
  const api = []
  for (const token of [first.access_token, refreshed.access_token]) {
    const response = await client.fetchProtectedResource(
      config, token, new URL(API), 'GET', undefined, undefined, { DPoP },
    )
    api.push({ status: response.status, claims: await response.json() })
  }
  const userinfo = await claimsOf((bound) =>
    client.fetchUserInfo(config, refreshed.access_token, sub, bound ? { DPoP } : {}),
  )
  const own = client.ClientSecretBasic('secret')
  const asApi = new client.Configuration(config.serverMetadata(), 'api', undefined, own)
  client.allowInsecureRequests(asApi)
  const introspected = await client.tokenIntrospection(asApi, refreshed.access_token)

  // the end
  const last = refreshed.refresh_token ?? first.refresh_token
  await client.tokenRevocation(config, last, { token_type_hint: 'refresh_token' })
  const after = await client
    .refreshTokenGrant(config, last, {}, { DPoP })
    .then(() => 'taken', (err) => err.error)
  const rotated = refreshed.refresh_token !== first.refresh_token
  return {
    token_type: first.token_type, jkt, sub, api, userinfo, introspected, rotated, after,
  }
})
