// An API guarded by npm oauth4webapi is sent a token of this issuer, as a request that never leaves.

import * as oauth from 'oauth4webapi'
import { ALG, CLIENT_ID, ISSUER, SCOPE, report } from './scenario.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // the server is on a loopback port

await report(async () => {
  const issuer = new URL(ISSUER)
  const as = await oauth
    .discoveryRequest(issuer, insecure)
    .then((response) => oauth.processDiscoveryResponse(issuer, response))

  const client = { client_id: CLIENT_ID }
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(ALG))
  const secret = oauth.ClientSecretPost('secret')
  const token = await oauth
    .clientCredentialsGrantRequest(as, client, secret, { scope: SCOPE }, { DPoP, ...insecure })
    .then((response) => oauth.processClientCredentialsResponse(as, client, response))

  let request
  const keep = async (url, init) => {
    request = new Request(url, { method: init.method, headers: init.headers })
    return new Response()
  }
  const url = new URL('https://api.example.com/orders')
  const options = { DPoP, [oauth.customFetch]: keep }
  await oauth.protectedResourceRequest(token.access_token, 'GET', url, undefined, undefined, options)

  const guard = { requireDPoP: true, ...insecure }
  const claims = await oauth.validateJwtAccessToken(as, request, SCOPE, guard) // the audience: api
  return { claims, jkt: await DPoP.calculateThumbprint() }
})
