#!/usr/bin/env bash
# The flow with curl and openssl alone: every byte of the proof is made in the open.
set -euo pipefail
: "${ISSUER:=http://127.0.0.1:8080}" "${API:=$ISSUER/api/dpop/test}"
: "${CLIENT_ID:=m2m.dpop}" "${SCOPE:=api}" "${AUTHENTICATION:=client_secret_post}"
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
sha256() { openssl dgst -sha256 -binary | base64url; }
member() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'; }

# a key; the last 64 octets of its public half are x and y
openssl ecparam -name prime256v1 -genkey -noout -out "$here/key.pem"
openssl ec -in "$here/key.pem" -pubout -outform DER -out "$here/public.der" 2>/dev/null
x=$(tail -c 64 "$here/public.der" | head -c 32 | base64url)
y=$(tail -c 32 "$here/public.der" | base64url)
jkt=$(printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' "$x" "$y" | sha256)

# ECDSA signs as a DER sequence of two integers; JOSE wants them bare, 32 octets each
raw_signature() {
  openssl dgst -sha256 -sign "$here/key.pem" | openssl asn1parse -inform DER |
    sed -n 's/.*INTEGER *://p' |
    while read -r hex; do
      while [ ${#hex} -lt 64 ]; do hex=0$hex; done
      printf "$(printf %s "$hex" | sed 's/../\\x&/g')"
    done
}

# proof METHOD URL [NONCE [ACCESS_TOKEN]]
proof() {
  local header claims input
  header='{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"'$x'","y":"'$y'"}}'
  claims='{"jti":"'$(openssl rand -hex 16)'","htm":"'$1'","htu":"'$2'","iat":'$(date +%s)
  [ -z "${4-}" ] || claims+=',"ath":"'$(printf %s "$4" | sha256)'"'
  [ -z "${3-}" ] || claims+=',"nonce":"'$3'"'
  input=$(printf %s "$header" | base64url).$(printf %s "$claims}" | base64url)
  printf %s "$input.$(printf %s "$input" | raw_signature | base64url)"
}

statuses=
# fetch CURL-ARGUMENT...: the status into $status, the body into body, a nonce into $nonce
fetch() {
  status=$(curl -sS --noproxy '*' --max-time 10 -D "$here/head" -o "$here/body" -w '%{http_code}' "$@")
  statuses+=${statuses:+,}$status
  nonce=$(tr -d '\r' <"$here/head" | sed -n 's/^[Dd][Pp][Oo][Pp]-[Nn]once: *//p')
}

fetch "$ISSUER/.well-known/openid-configuration"
endpoint=$(member token_endpoint <"$here/body")

client=(-d "client_id=$CLIENT_ID" -d client_secret=secret)
[ "$AUTHENTICATION" = client_secret_post ] || client=(-u "$CLIENT_ID:secret")
ask=("${client[@]}" -d grant_type=client_credentials -d "scope=$SCOPE" "$endpoint")

fetch -H "DPoP: $(proof POST "$endpoint")" "${ask[@]}"
if [ "$status" = 400 ] && [ "$(member error <"$here/body")" = use_dpop_nonce ]; then
  fetch -H "DPoP: $(proof POST "$endpoint" "$nonce")" "${ask[@]}"
fi
if [ "$status" != 200 ]; then
  error=$(member error <"$here/body")
  printf '{"failure":{"error":"%s","status":%s},"statuses":[%s]}\n' "$error" "$status" "$statuses"
  exit
fi
token=$(member access_token <"$here/body")
token_type=$(member token_type <"$here/body")

api= known=
# call METHOD URL: with the nonce last heard of, and once more when the API asks for another
call() {
  local try
  for try in 1 2; do
    fetch -X "$1" -H "Authorization: DPoP $token" \
      -H "DPoP: $(proof "$1" "${2%%\?*}" "$known" "$token")" "$2"
    known=${nonce:-$known}
    grep -q use_dpop_nonce "$here/head" || break
  done
  api+=${api:+,}'{"status":'$status',"claims":'$(cat "$here/body")'}'
}
call GET "$API"
call POST "$API?again=1"
printf '{"token_type":"%s","jkt":"%s","api":[%s],"statuses":[%s]}\n' \
  "$token_type" "$jkt" "$api" "$statuses"
