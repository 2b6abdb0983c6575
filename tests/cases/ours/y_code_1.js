const { payload, key } = jose.JWT.verify(proof, jose.JWK.EmbeddedJWK, {
  typ: 'dpop+jwt',
  algorithms: ['ES256'],
  complete: true,
  maxTokenAge: '60s',
  clockTolerance: '5s'
})
assert(typeof payload.jti === 'string' && payload.jti)
assert.equal(payload.htm, req.method)
assert.equal(payload.htu, `${base}${req.path}`)
// still to do: unique jti, thumbprint of key against cnf.jkt
