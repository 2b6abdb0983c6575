// What a client is asked to do, and how it tells what came of it: a line of JSON each.

import { createInterface } from 'node:readline'

export let ISSUER, CLIENT_ID, AUTHENTICATION, ALG, API, SCOPE, REDIRECT_URI, PUSH
let CLIENT_JWK

const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/** The key of the *.jwt clients, in the shape both libraries take for private_key_jwt. */
export async function clientKey() {
  const jwk = JSON.parse(CLIENT_JWK)
  return { kid: jwk.kid, key: await crypto.subtle.importKey('jwk', jwk, RS256, false, ['sign']) }
}

/** How the client of a library authenticates; both libraries name these alike. */
export async function authentication(library) {
  if (AUTHENTICATION === 'none') return library.None()
  if (AUTHENTICATION === 'private_key_jwt') return library.PrivateKeyJwt(await clientKey())
  return library.ClientSecretPost('secret')
}

/** What userinfo tells under DPoP with a proof, else why not, and what it tells under Bearer. */
export async function claimsOf(ask) {
  try {
    return { bound: await ask(true) }
  } catch (err) {
    return { refused: err.cause?.map?.((one) => one.parameters.error) ?? String(err), bearer: await ask(false) }
  }
}

/** The status of each response, in the order in which they came. */
let statuses
const plainFetch = globalThis.fetch
globalThis.fetch = async (...request) => {
  const response = await plainFetch(...request)
  statuses.push(response.status)
  return response
}

/** Run the flow for each scenario and print its result, or the library's own error. */
export async function report(flow) {
  for await (const line of createInterface({ input: process.stdin })) {
    ({ ISSUER, CLIENT_ID, AUTHENTICATION, ALG, API, SCOPE, REDIRECT_URI, CLIENT_JWK, PUSH } =
      JSON.parse(line))
    statuses = []
    const result = await flow().catch((err) => {
      const { name, code, error, error_description, status, cause } = err
      return { failure: { name, code, error, error_description, status, cause } }
    })
    console.log(JSON.stringify({ ...result, statuses }))
  }
}
