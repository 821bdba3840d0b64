package import TroupeRedis

extension RedisClient {
    /// Runs a script and says how many bytes its own commands answered to it.
    ///
    /// What Redis builds for a script and the script throws away costs as much as if it were sent,
    /// and shows nowhere else.
    ///
    /// - Throws: as `evaluate`.
    package func bytesRead(
        by script: RedisScript, keys: [String], arguments: [RedisArgument] = []
    ) async throws(RedisError) -> Int {
        let reply = try await evaluate(script.weighed, keys: keys, arguments: arguments)
        return try reply.requireInteger()
    }
}

extension RedisScript {
    /// The same script, answering the bytes that its commands answered.
    fileprivate var weighed: RedisScript {
        var flags = ""
        var body = Substring(source)
        if body.hasPrefix("#!"), let end = body.firstIndex(of: "\n") {
            flags = String(body[...end])
            body = body[body.index(after: end)...]
        }
        return RedisScript(
            """
            \(flags)local server, bytes = redis, 0
            local function weigh(answer)
                if type(answer) == 'string' then bytes = bytes + #answer end
                if type(answer) == 'table' then
                    for _, part in pairs(answer) do weigh(part) end
                end
                return answer
            end
            local function weighing(call)
                return function(...) return weigh(call(...)) end
            end
            local redis = setmetatable(
                {call = weighing(server.call), pcall = weighing(server.pcall)},
                {__index = server})
            local function run()
            \(body)
            end
            run()
            return bytes
            """)
    }
}
