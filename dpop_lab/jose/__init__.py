"""What DPoP stands on: base64url and JSON, keys, thumbprints, compact JWS."""
