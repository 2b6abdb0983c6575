var message = new HttpRequestMessage(HttpMethod.Get, "https://api.example.com/me");
message.Headers.Add("Cookie", "s3cr3tQz9Qz9Qz9Qz9Qz9Qz91");
message.Headers.TryAddWithoutValidation("Authorization", "Bearer s3cr3tQz9Qz9Qz9Qz9Qz9Qz92");
client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("DPoP", "s3cr3tQz9Qz9Qz9Qz9Qz9Qz93");
