"""The two parties that say no: the authorization server and the resource server."""
