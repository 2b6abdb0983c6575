"""Where people sign in: codes, PKCE, PAR, refresh tokens, userinfo, introspection, revocation."""
