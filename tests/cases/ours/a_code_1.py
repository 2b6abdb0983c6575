def dpop_headers(method, url, token):
    now = int(time.time())
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": json.loads(KEY.export_public())}
    claims = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": now}
    if token:
        claims["ath"] = hashlib.sha256(token.encode()).hexdigest()
    proof = jwt.encode(claims, KEY.export_to_pem(True, None), algorithm="ES256", headers=header)
    return {"Authorization": f"DPoP {token}", "DPoP": proof}
