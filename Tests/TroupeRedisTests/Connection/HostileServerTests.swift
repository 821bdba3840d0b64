import NIOCore
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Whatever a peer sends: an error on every waiting call, a new connection, nothing mixed up.
@Suite(.timeLimit(.minutes(3)))
struct HostileServerTests {
    private func client(
        _ server: HostileServer, _ change: (inout RedisConfiguration) -> Void = { _ in }
    ) -> RedisClient {
        var configuration = RedisConfiguration()
        configuration.address = .tcp(host: "127.0.0.1", port: server.port)
        configuration.clientName = ""
        configuration.disconnectedWait = .seconds(5)
        change(&configuration)
        return RedisClient(
            configuration, logger: .silent)
    }

    @Test(arguments: [
        "%1\r\n+a\r\n+b\r\n", "$-2\r\n", "*2147483648\r\n", "$629145600\r\n", "nonsense\r\n",
        String(repeating: "*1\r\n", count: 9), "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
    ])
    func replacesAConnectionThatBreaksTheProtocol(_ bytes: String) async throws {
        let server = try await HostileServer([.sends(Array(bytes.utf8))])
        let redis = client(server)
        let outcomes = await withTaskGroup(of: RedisError?.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do throws(RedisError) {
                        _ = try await redis.send(.set("k", "v"))
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let after = try await redis.send(.set("k", "v"))

        for error in outcomes.compactMap({ $0 }) {
            #expect([.protocolViolation, .connectionLost].contains(error.code))
        }
        #expect(after.string == "OK")
        #expect(server.connectionCount == 2)
        await redis.shutdown()
        await server.stop()
    }

    @Test func survivesAServerThatClosesAtAnyByte() async throws {
        let reply = Array("*2\r\n$5\r\nhello\r\n:1\r\n".utf8)
        for length in 0..<reply.count {
            let server = try await HostileServer([.sendsAndCloses(Array(reply.prefix(length)))])
            let redis = client(server)
            let error = await #expect(throws: RedisError.self) {
                try await redis.send(.set("k", "v"))
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.outcome == .unknown)
            #expect(error?.retry == .ifIdempotent)
            #expect(try await redis.send(.set("k", "v")).string == "OK")
            await redis.shutdown()
            await server.stop()
        }
    }

    @Test func repeatsOnlyWhatReads() async throws {
        let server = try await HostileServer([.sendsAndCloses([]), .sendsAndCloses([])])
        let redis = client(server)
        await #expect(throws: RedisError.self) { try await redis.send(.incr("k")) }
        #expect(server.connectionCount <= 2)
        // The second connection is cut as well, and the third one answers.
        #expect(try await redis.send(.get("k")).string == "OK")
        #expect(server.connectionCount == 3)
        await redis.shutdown()
        await server.stop()
    }

    @Test func keepsTheResultsOfABatchThatCameBeforeTheLoss() async throws {
        let server = try await HostileServer([.sendsAndCloses(Array(":1\r\n-ERR no\r\n".utf8))])
        let redis = client(server)
        let results = try await redis.send(batch: [.incr("a"), .incr("b"), .incr("c")])
        #expect(try results[0].get().integer == 1)
        #expect(throws: RedisError.self) { try results[1].get() }
        let error = #expect(throws: RedisError.self) { try results[2].get() }
        #expect(error?.code == .connectionLost)
        #expect(error?.outcome == .unknown)
        await redis.shutdown()
        await server.stop()
    }

    @Test(arguments: [
        "-LOADING Redis is loading the dataset in memory", "-MASTERDOWN Link is down",
    ])
    func waitsUntilTheServerIsReady(_ line: String) async throws {
        let server = try await HostileServer([.greets(line), .greets(line)])
        let redis = client(server)
        #expect(try await redis.send(.set("k", "v")).string == "OK")
        #expect(server.connectionCount == 3)
        await redis.shutdown()
        await server.stop()
    }

    /// As a primary does that has become a replica: what is open stays open, and would for ever.
    @Test(arguments: [
        ("MASTERDOWN", "Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
        ("READONLY", "You can't write against a read only replica."),
        ("LOADING", "Redis is loading the dataset in memory"),
    ])
    func leavesAnOpenLinkThatTurnsItAway(_ code: String, _ text: String) async throws {
        let server = try await HostileServer([.sends(Array("-\(code) \(text)\r\n".utf8))])
        let redis = client(server)

        let error = await #expect(throws: RedisError.self) { try await redis.send(.incr("k")) }
        let after = try await redis.send(.incr("k"))

        #expect(error?.code == .server(code))
        #expect(after.string == "OK")
        #expect(server.connectionCount == 2)
        await redis.shutdown()
        await server.stop()
    }

    /// It says so of one key, and all others are well.
    @Test func staysOnALinkThatRefusesOneCommand() async throws {
        let server = try await HostileServer([.sends(Array("-WRONGTYPE no\r\n+OK\r\n".utf8))])
        let redis = client(server)
        let results = try await redis.send(batch: [.incr("a"), .incr("b")])

        #expect(throws: RedisError.self) { try results[0].get() }
        #expect(try results[1].get().string == "OK")
        #expect(server.connectionCount == 1)
        await redis.shutdown()
        await server.stop()
    }

    @Test func tellsWhyTheServerRefuses() async throws {
        let line = "-WRONGPASS invalid username-password pair or user is disabled."
        let server = try await HostileServer(Array(repeating: .greets(line), count: 1000))
        let redis = client(server) {
            $0.password = "wrong"
            $0.disconnectedWait = .milliseconds(50)
        }
        let error = await #expect(throws: RedisError.self) { try await redis.send(.ping) }
        #expect(error?.code == .server("WRONGPASS"))
        #expect(error?.outcome == .notSent)
        await redis.shutdown()
        await server.stop()
    }

    @Test func givesUpAConnectionWhoseReplyIsLongOverdue() async throws {
        let server = try await HostileServer([.silent])
        let redis = client(server) {
            $0.commandTimeout = .milliseconds(50)
            $0.replyLimit = .milliseconds(150)
        }
        var error: RedisError?
        // On a busy machine connecting alone can take longer than a command may.
        repeat {
            error = await #expect(throws: RedisError.self) {
                try await redis.send(.set("k", "v"))
            }
        } while error?.outcome == .notSent
        #expect(error?.code == .timedOut)
        #expect(error?.outcome == .unknown)
        while (try? await redis.send(.set("k", "v"))) == nil {}
        // More than one where the machine stands still: then other replies are overdue too.
        #expect(server.connectionCount >= 2)
        await redis.shutdown()
        await server.stop()
    }

    @Test func refusesMoreThanMayWait() async throws {
        let server = try await HostileServer([.silent])
        let redis = client(server) {
            $0.commandsInFlight = 2
            $0.commandsWaiting = 3
            $0.commandTimeout = .seconds(1)
        }
        let codes = await withTaskGroup(of: (RedisError.Code, RedisError.Outcome)?.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    do throws(RedisError) {
                        _ = try await redis.send(.set("k", "v"))
                        return nil
                    } catch {
                        return (error.code, error.outcome)
                    }
                }
            }
            return await group.reduce(into: []) { codes, code in code.map { codes.append($0) } }
        }
        #expect(codes.count == 40)
        #expect(codes.count { $0.0 == .overloaded && $0.1 == .notSent } >= 1)
        #expect(codes.count { $0.0 == .timedOut && $0.1 == .unknown } <= 2)
        #expect(codes.count { $0.0 == .timedOut } >= 2)
        await redis.shutdown()
        await server.stop()
    }

    @Test func failsSoonWhenNobodyListens() async throws {
        let server = try await HostileServer([])
        await server.stop()
        let redis = client(server) {
            // The server's own port may be another test's by now.
            $0.address = .tcp(host: "127.0.0.1", port: 1)
            $0.disconnectedWait = .milliseconds(100)
        }
        let start = ContinuousClock.now
        let error = await #expect(throws: RedisError.self) { try await redis.send(.ping) }
        #expect(error?.code == .connectionLost)
        #expect(error?.outcome == .notSent)
        #expect(error?.retry == .later)
        #expect(ContinuousClock.now - start < .seconds(20))
        await redis.shutdown()
    }

    @Test func failsEveryCallAfterShutdown() async throws {
        let server = try await HostileServer([])
        let redis = client(server)
        _ = try await redis.send(.ping)
        let subscription = redis.subscribe(channels: ["c"])
        await redis.shutdown()
        await redis.shutdown()
        let error = await #expect(throws: RedisError.self) { try await redis.send(.ping) }
        #expect(error?.code == .closed)
        for await _ in subscription {}
        await #expect(throws: RedisError.self) {
            try await redis.withLease { _ = try await $0.send(.ping) }
        }
        await server.stop()
    }
}
