import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import TroupeRedisTestKit

@testable import troupe

/// What clients, probes and logs see of a stop, and of signals that are none.
@Suite(.timeLimit(.minutes(5)))
struct StopTests {
    @Test func aServiceIsNotReadyAtOnceAndServesForItsGrace() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let port = addresses.port(of: .users)
        let users = try LoneProgram(
            "serve users", ["--grace", "100"], port: port, variables: ["REDIS_URL": redis.url])
        try await eventually("it is ready") { await users.readiness(of: port)?.status == 200 }
        let before = try await Web.get("\(addresses.url(of: .users))/users/1")
        #expect(before.status == 200 && before.headers["connection"] == nil)

        users.child.send(SIGTERM)

        try await eventually("it is not ready") {
            await users.readiness(of: port)?.body.contains("draining failed") == true
        }
        let during = try await Web.get("\(addresses.url(of: .users))/users/1")
        #expect(during.status == 200 && during.headers["connection"] == "close")
        // Once more, later than what is taken for the same, is at once.
        try await eventually("it ends") {
            users.child.send(SIGTERM)
            return users.child.hasEnded
        }
        #expect(await users.child.exitStatus() == 143, "\(users.output)")
        #expect(users.strangeLines.isEmpty, "\(users.strangeLines)")
        await users.close()
        await redis.stop()
    }

    @Test func aGatewayServesForItsGraceAndIsReachedByProbesAllTheTime() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let gateway = try LoneProgram(
            "gateway", ["--grace", "100"], port: addresses.gateway,
            variables: ["REDIS_URL": redis.url])
        try await eventually("it is ready") {
            await gateway.readiness(of: addresses.gateway)?.status == 200
        }

        gateway.child.send(SIGINT)

        try await eventually("it is not ready") {
            await gateway.readiness(of: addresses.gateway)?.status == 503
        }
        let answer = try await Web.get("http://127.0.0.1:\(addresses.gateway)/nothing")
        #expect(answer.status == 404 && answer.headers["connection"] == "close")
        #expect(await gateway.readiness(of: addresses.gateway)?.status == 503)
        try await eventually("it ends") {
            gateway.child.send(SIGINT)
            return gateway.child.hasEnded
        }
        #expect(await gateway.child.exitStatus() == 130, "\(gateway.output)")
        #expect(gateway.strangeLines.isEmpty, "\(gateway.strangeLines)")
        await gateway.close()
        await redis.stop()
    }

    /// Others read logs, and get none of it.
    #if os(Linux)
        @Test func aTerminalIsToldWhatAStopWaitsFor() async throws {
            let redis = try await RedisServer.launch()
            let port = try await Ports.free().gateway
            let (terminal, far) = try Self.terminal()
            var environment = ProcessInfo.processInfo.environment
            environment["REDIS_URL"] = redis.url
            let child = try ChildProgram(
                BuiltProgram.path, ["gateway", "--port", String(port), "--grace", "1"],
                environment: environment, streams: .init(output: far, errors: far))
            try await eventually("it is ready") {
                (try? await Web.get("http://127.0.0.1:\(port + 100)/readyz"))?.status == 200
            }

            child.send(SIGTERM)

            #expect(await child.exitStatus() == 0)
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = read(terminal, &bytes, bytes.count)
            let said = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            let lines = said.split(whereSeparator: \.isNewline).filter { $0.contains("stopping") }
            #expect(
                lines.map(String.init) == [
                    "troupe: stopping; requests are taken for 1 s more, then what is under way is "
                        + "finished, all in 6 s at most; ctrl-C or SIGTERM once more ends it at "
                        + "once"
                ], "\(said)")
            close(terminal)
            close(far)
            await redis.stop()
        }

        /// Both ends of a terminal: the one that a person sits at, and the program's.
        private static func terminal() throws -> (Int32, Int32) {
            let near = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            var (unlocked, number) = (Int32(0), Int32(0))
            // TIOCSPTLCK and TIOCGPTN of Linux, for what Swift does not see of the C library.
            guard near >= 0, ioctl(near, 0x4004_5431, &unlocked) == 0,
                ioctl(near, 0x8004_5430, &number) == 0
            else { throw NeverHappened(what: "a terminal") }
            let name = "/dev/pts/\(number)"
            let far = open(name, O_RDWR | O_NOCTTY)
            guard far >= 0 else { throw NeverHappened(what: "the far end of a terminal") }
            return (near, far)
        }
    #endif

    @Test(arguments: ["serve users", "gateway"])
    func theStopIsInOrderOnceTheGraceIsOver(command: String) async throws {
        let redis = try await RedisServer.launch()
        let port = try await Ports.free().gateway
        let program = try LoneProgram(
            command, ["--grace", "1"], port: port, variables: ["REDIS_URL": redis.url])
        try await eventually("it is ready") { await program.readiness(of: port)?.status == 200 }

        program.child.send(SIGTERM)
        let asked = ContinuousClock.now
        // Who stops a process and its group sends two, and asks once.
        program.child.send(SIGTERM)

        #expect(await program.child.exitStatus() == 0, "\(program.output)")
        #expect(ContinuousClock.now - asked > .milliseconds(900), "the whole grace")
        #expect(program.strangeLines.isEmpty, "\(program.strangeLines)")
        await program.close()
        await redis.stop()
    }

    @Test(arguments: [[], ["--processes"]])
    func whoWaitsForAnOrderGetsItAsItStands(options: [String]) async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        // Nobody charges the card, so the order stays pending.
        let up = try LoneProgram(
            "up", ["--without", "payments"] + options, port: addresses.gateway,
            variables: ["REDIS_URL": redis.url])
        let gateway = "http://127.0.0.1:\(addresses.gateway)"
        // With processes of their own, each service is ready when it is.
        try await eventually("what an order needs is there") {
            for path in ["/orders/1", "/users/1", "/products/1"] {
                guard (try? await Web.get("\(gateway)\(path)"))?.status == 200 else {
                    return false
                }
            }
            return true
        }
        async let held = Web.send(
            "POST", "\(gateway)/orders", RunningSystem.order("1"), headers: ["Prefer": "wait=20"])
        try await eventually("the order is placed") {
            let page = try await Web.get("\(addresses.url(of: .orders))/orders")
            return page.list("items").contains { $0.text("status") == "pending" }
        }

        up.child.send(SIGINT)

        let answer = try await held
        #expect(answer.status == 201 && answer.text("status") == "pending", "\(answer)")
        #expect(answer.headers["connection"] == "close")
        #expect(await up.child.exitStatus() == 0, "\(up.output)")
        #expect(!up.output.contains("Cannot schedule"), "\(up.output)")
        await up.close()
        await redis.stop()
    }

    @Test func callsThatOutliveTheStopLeaveNoWarnings() async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        // Takes connections and says nothing.
        let taken = Mutex(0)
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                taken.withLock { $0 += 1 }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let file = FileManager.default.temporaryDirectory
            .appending(path: "silent-\(UUID().uuidString).yaml").path
        let port = try #require(silent.localAddress?.port)
        try """
        server: {timeouts: {drain: 200ms}}
        upstreams: {silent: {targets: ["http://127.0.0.1:\(port)"], timeout: 3s}}
        routes:
          - {name: shared, path: "/shared/{id}", upstream: silent,
             cache: {ttl: 60s, scope: anonymous}}
          - {name: own, path: /own, methods: [POST], upstream: silent}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let gateway = try LoneProgram(
            "gateway", ["--grace", "0", "--gateway-config", file], port: addresses.gateway,
            variables: ["REDIS_URL": redis.url])
        try await eventually("it is ready") {
            await gateway.readiness(of: addresses.gateway)?.status == 200
        }
        let place = "http://127.0.0.1:\(addresses.gateway)"
        let asking = [
            Task { _ = try? await Web.get("\(place)/shared/1") },
            Task { _ = try? await Web.send("POST", "\(place)/own", "{}") },
        ]
        try await eventually("both are under way") { taken.withLock { $0 } == 2 }

        gateway.child.send(SIGTERM)

        #expect(await gateway.child.exitStatus() == 0, "\(gateway.output)")
        #expect(gateway.strangeLines.isEmpty, "\(gateway.strangeLines)")
        for task in asking { await task.value }
        try await silent.close()
        try? FileManager.default.removeItem(atPath: file)
        await gateway.close()
        await redis.stop()
    }

    @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2])
    func signalsWithoutAMeaningEndNothing(signal: Int32) async throws {
        let redis = try await RedisServer.launch()
        let addresses = try await Ports.free()
        let gateway = try LoneProgram(
            "gateway", ["--grace", "0"], port: addresses.gateway,
            variables: ["REDIS_URL": redis.url])
        try await eventually("it is ready") {
            await gateway.readiness(of: addresses.gateway)?.status == 200
        }

        gateway.child.send(signal)

        try await eventually("it says so") { gateway.output.contains("was ignored") }
        #expect(await gateway.readiness(of: addresses.gateway)?.status == 200)
        gateway.child.send(SIGTERM)
        #expect(await gateway.child.exitStatus() == 0)
        await gateway.close()
        await redis.stop()
    }
}
