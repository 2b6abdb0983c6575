// npm oidc-provider, and an API guarded by npm oauth4webapi; both demand nonces of their own.
//
// Machines and people get tokens there, people by the provider's own pages for developers.
// Prints the issuer, the API's URL and the control URL. A control request answers with what the two
// servers were asked since the last one; /rotate changes the API's nonce, /later?SECONDS puts the
// clock of both forward.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import Provider from 'oidc-provider'

async function listen(name, seen) {
  const server = createServer()
  if (seen) {
    server.on('request', (req, res) => {
      res.on('finish', () => seen.push(`${name} ${req.method} ${res.statusCode}`))
    })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${server.address().port}` }
}

console.info = console.warn // what the provider says of itself is not for those who read our lines

// the clock of this process
let ahead = 0
const now = Date.now
Date.now = () => now() + ahead

let seen = []
const record = { push: (line) => seen.push(line) }
const as = await listen('as', record)
const api = await listen('api', record)
const control = await listen('control')
const audience = `${api.url}/`

// the authorization server

const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const algorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'Ed25519', 'EdDSA']
const client = (client_id, token_endpoint_auth_method, more) => ({
  client_id,
  token_endpoint_auth_method,
  dpop_bound_access_tokens: true,
  id_token_signed_response_alg: 'ES256', // the provider has no other key
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  ...more,
})
const ofPeople = {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['http://127.0.0.1/callback'], // with any port
  response_types: ['code'],
}

const provider = new Provider(as.url, {
  clients: [
    client('post', 'client_secret_post', { client_secret: 'secret' }),
    client('basic', 'client_secret_basic', { client_secret: 'secret' }),
    client('mac', 'client_secret_jwt', { client_secret: 'secret'.repeat(6) }),
    client('assertion', 'private_key_jwt', { jwks: { keys: [JSON.parse(process.argv[2])] } }),
    client('app', 'none', ofPeople),
    client('site', 'client_secret_post', {
      ...ofPeople,
      client_secret: 'secret',
      require_pushed_authorization_requests: true,
    }),
  ],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
  enabledJWA: { dPoPSigningAlgValues: algorithms },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience,
        scope: 'read',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
as.server.on('request', provider.callback())

// the API

let nonce = randomBytes(16).toString('base64url')
const insecure = { [oauth.allowInsecureRequests]: true } // to fetch the keys from a loopback port
const metadata = { issuer: as.url, jwks_uri: `${as.url}/jwks` }
const options = { requireDPoP: true, signingAlgorithms: algorithms, ...insecure }

api.server.on('request', async (req, res) => {
  const refuse = (error) => {
    res.writeHead(401, { 'WWW-Authenticate': `DPoP error="${error}"`, 'DPoP-Nonce': nonce }).end()
  }
  const request = new Request(`${api.url}${req.url}`, { method: req.method, headers: req.headers })
  let claims
  try {
    claims = await oauth.validateJwtAccessToken(metadata, request, audience, options)
  } catch (err) {
    return refuse('invalid_token')
  }
  if (decodeJwt(request.headers.get('dpop')).nonce !== nonce) return refuse('use_dpop_nonce')
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(claims))
})

// what the tests turn

control.server.on('request', (req, res) => {
  const { pathname, search } = new URL(req.url, control.url)
  if (pathname === '/rotate') nonce = randomBytes(16).toString('base64url')
  if (pathname === '/later') ahead += 1000 * Number(search.slice(1))
  // the API asks for the keys when it likes; that is not the client's doing
  res.end(JSON.stringify(seen.filter((line) => line !== 'as GET 200')))
  seen = []
})

console.log([as.url, audience, control.url].join('\n'))
