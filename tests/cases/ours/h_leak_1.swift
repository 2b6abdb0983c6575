var request = URLRequest(url: URL(string: "https://api.example.com/me")!)
request.setValue("sid=s3cr3tQz9Qz9Qz9Qz9Qz9Qz91; theme=dark", forHTTPHeaderField: "Cookie")
request.setValue("DPoP s3cr3tQz9Qz9Qz9Qz9Qz9Qz92", forHTTPHeaderField: "Authorization")
request.addValue("s3cr3tQz9Qz9Qz9Qz9Qz9Qz93", forHTTPHeaderField: "X-API-Key")
