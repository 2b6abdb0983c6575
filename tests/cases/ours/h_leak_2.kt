val res = client.get("https://api.example.com/me") {
    header("s3cr3tQz9Qz9Qz9Qz9Qz9Qz91", name = "Authorization")
    .header(AUTHORIZATION, "DPoP s3cr3tQz9Qz9Qz9Qz9Qz9Qz92")
    headers.append(HttpHeaders.Cookie, "s3cr3tQz9Qz9Qz9Qz9Qz9Qz93")
}
