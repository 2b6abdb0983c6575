// The flow with npm oauth4webapi, in the manner of its own examples.

import * as oauth from 'oauth4webapi'
import { ALG, API, AUTHENTICATION, CLIENT_ID, ISSUER, SCOPE, clientKey, report } from './scenario.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // the server is on a loopback port

const authentications = {
  client_secret_basic: () => oauth.ClientSecretBasic('secret'),
  client_secret_post: () => oauth.ClientSecretPost('secret'),
  private_key_jwt: async () => oauth.PrivateKeyJwt(await clientKey()),
}

// the library says Ed25519 (RFC 9864); this is how its docs make it say EdDSA
const asEdDSA = { [oauth.modifyAssertion]: (header) => { header.alg = 'EdDSA' } }

await report(async () => {
  const issuer = new URL(ISSUER)
  const as = await oauth
    .discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }) // RFC 8414's document
    .then((response) => oauth.processDiscoveryResponse(issuer, response))

  const client = { client_id: CLIENT_ID }
  const clientAuth = await authentications[AUTHENTICATION]()
  const keyPair = await oauth.generateKeyPair(ALG === 'EdDSA' ? 'Ed25519' : ALG)
  const DPoP = oauth.DPoP(client, keyPair, ALG === 'EdDSA' ? asEdDSA : undefined)

  const clientCredentials = async () => {
    const parameters = new URLSearchParams({ scope: SCOPE })
    const response = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, parameters, {
      DPoP,
      ...insecure,
    })
    return oauth.processClientCredentialsResponse(as, client, response)
  }
  const token = await clientCredentials().catch((err) => {
    if (oauth.isDPoPNonceError(err)) return clientCredentials() // the nonce is now known
    throw err
  })

  const call = (method, url) =>
    oauth.protectedResourceRequest(token.access_token, method, new URL(url), undefined, undefined, {
      DPoP,
      ...insecure,
    })
  const api = []
  for (const [method, url] of [['GET', API], ['POST', `${API}?again=1`]]) {
    const response = await call(method, url).catch((err) => {
      if (oauth.isDPoPNonceError(err)) return call(method, url)
      throw err
    })
    api.push({ status: response.status, claims: await response.json() })
  }
  return { token_type: token.token_type, jkt: await DPoP.calculateThumbprint(), api }
})
