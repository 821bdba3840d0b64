import Foundation
import Testing
import TroupeRedisTestKit

@testable import troupe

/// What a gateway does when its surroundings give it too little.
@Suite(.redisServer, .timeLimit(.minutes(3)))
struct ScarcityTests {
    /// A gateway in a process of its own, started by a shell that limits it.
    private struct LimitedGateway {
        let addresses: Addresses
        let program: ChildProgram
        let errors: Pipe

        var url: String { "http://\(Addresses.host):\(addresses.gateway)" }
        var admin: String { "http://\(Addresses.host):\(addresses.admin)" }

        static func start(_ limits: String) async throws -> LimitedGateway {
            let addresses = try await Ports.free()
            let errors = Pipe()
            let program = try ChildProgram(
                "/bin/sh",
                [
                    "-c", "\(limits); exec \"$@\"", "sh", BuiltProgram.path, "gateway", "--port",
                    String(addresses.gateway), "--redis", RedisServer.current.url,
                    "--log-level", "info", "--grace", "0",
                ], streams: .init(errors: errors.fileHandleForWriting.fileDescriptor))
            let gateway = LimitedGateway(addresses: addresses, program: program, errors: errors)
            try await eventually("the gateway answers") {
                (try? await Web.get("\(gateway.url)/nowhere"))?.status == 404
            }
            return gateway
        }

        /// Has so many requests answered, a log line each.
        func answer(_ count: Int) async throws {
            for _ in 1...count / 40 {
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 1...40 {
                        group.addTask { try await Web.get("\(url)/nowhere").status }
                    }
                    return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
                }
                #expect(statuses == [404])
            }
        }
    }

    /// It used to stand still after some three hundred requests, deaf to SIGTERM.
    @Test func aReaderOfTheLogThatStandsStillStopsNothing() async throws {
        let gateway = try await LimitedGateway.start(":")
        try await gateway.answer(2_000)
        #expect(try await Web.get("\(gateway.admin)/livez").status == 200)

        #expect(await gateway.program.stop(within: .seconds(20)) == 0)
        withExtendedLifetime(gateway.errors) {}
    }

    @Test(.long) func linesThatNobodyReadsAreDroppedAndCounted() async throws {
        let gateway = try await LimitedGateway.start(":")
        try await gateway.answer(12_000)
        let metrics = try await Web.get("\(gateway.admin)/metrics").body
        let dropped = metrics.firstMatch(of: /\nlog_lines_dropped_total (\d+)/)

        #expect(try #require(Int(dropped?.1 ?? "")) > 1_000)
        #expect(await gateway.program.stop(within: .seconds(20)) == 0)
        withExtendedLifetime(gateway.errors) {}
    }

    @Test func clientsDoNotTakeTheLastDescriptors() async throws {
        let gateway = try await LimitedGateway.start("ulimit -n 200")
        let clients = (0..<400).map { _ in Self.connection(to: gateway.addresses.gateway) }
        defer { for client in clients { close(client) } }

        for _ in 1...20 {
            #expect(try await Web.get("\(gateway.admin)/livez").status == 200)
        }
        let metrics = try await Web.get("\(gateway.admin)/metrics")
        #expect(metrics.status == 200)
        for client in clients { shutdown(client, Int32(SHUT_RDWR)) }
        try await eventually("the gateway answers again") {
            (try? await Web.get("\(gateway.url)/nowhere"))?.status == 404
        }

        await gateway.program.stop(within: .seconds(10))
        try gateway.errors.fileHandleForWriting.close()
        let log = String(
            decoding: try gateway.errors.fileHandleForReading.readToEnd() ?? Data(),
            as: UTF8.self)
        #expect(log.contains("accepted=136"), "\(log)")
        #expect(log.contains("descriptors=200"))
    }

    /// A socket of the system's own, so that hundreds cost little.
    private static func connection(to port: Int) -> Int32 {
        #if os(Linux)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr(Addresses.host)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }
}
