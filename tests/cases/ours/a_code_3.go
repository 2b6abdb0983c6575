func (s *Signer) Proof(r *http.Request, nonce string) (string, error) {
	tok, err := jwt.NewBuilder().
		JwtID(uuid.NewString()).
		Claim("htm", r.Method).
		Claim("htu", r.URL.String()).
		IssuedAt(time.Now()).
		Build()
	if err != nil {
		return "", fmt.Errorf("dpop: %w", err)
	}
	hdr := jws.NewHeaders()
	_ = hdr.Set("typ", "dpop+jwt")
	_ = hdr.Set("jwk", s.pub)
	out, err := jwt.Sign(tok, jwt.WithKey(jwa.ES256, s.key, jws.WithProtectedHeaders(hdr)))
	return string(out), err
}
