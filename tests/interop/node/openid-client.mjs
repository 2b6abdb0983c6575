// The flow with npm openid-client, in the manner of its own examples; it obeys nonces by itself.

import * as client from 'openid-client'
import { ALG, API, AUTHENTICATION, CLIENT_ID, ISSUER, SCOPE, clientKey, report } from './scenario.mjs'

const authentications = {
  client_secret_basic: () => client.ClientSecretBasic('secret'),
  client_secret_post: () => client.ClientSecretPost('secret'),
  private_key_jwt: async () => client.PrivateKeyJwt(await clientKey()),
}

// the library says Ed25519 (RFC 9864); this is how its docs make it say EdDSA
const asEdDSA = { [client.modifyAssertion]: (header) => { header.alg = 'EdDSA' } }

await report(async () => {
  const clientAuth = await authentications[AUTHENTICATION]()
  const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, clientAuth, {
    execute: [client.allowInsecureRequests], // the server is on a loopback port
  })

  const keyPair = await client.randomDPoPKeyPair(ALG === 'EdDSA' ? 'Ed25519' : ALG)
  const DPoP = client.getDPoPHandle(config, keyPair, ALG === 'EdDSA' ? asEdDSA : undefined)
  const token = await client.clientCredentialsGrant(config, { scope: SCOPE }, { DPoP })

  const api = []
  for (const [method, url] of [['GET', API], ['POST', `${API}?again=1`]]) {
    const response = await client.fetchProtectedResource(
      config, token.access_token, new URL(url), method, undefined, undefined, { DPoP },
    )
    api.push({ status: response.status, claims: await response.json() })
  }
  return { token_type: token.token_type, jkt: await DPoP.calculateThumbprint(), api }
})
