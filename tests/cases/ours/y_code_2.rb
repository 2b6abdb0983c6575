def dpop_proof(key, method, url, access_token: nil, nonce: nil)
  jwk = JWT::JWK.new(key).export.slice(:kty, :crv, :x, :y)
  claims = {
    jti: SecureRandom.uuid,
    htm: method.to_s.upcase,
    htu: url.to_s.split("?").first,
    iat: Time.now.to_i
  }
  claims[:nonce] = nonce if nonce
  claims[:ath] = Base64.urlsafe_encode64(Digest::SHA256.digest(access_token), padding: false) if access_token
  JWT.encode(claims, key, "ES256", typ: "dpop+jwt", jwk: jwk)
end
