import NIOCore
import NIOPosix
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct PortProbeTests {
    private func complaint(host: String, port: Int) async -> CommandFailure? {
        do throws(CommandFailure) {
            try await PortProbe.expectFree(
                ("gateway", option: "--host"), host: host, port: port,
                taken: CommandFailure(.failure, "taken"))
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsTakenAndWhatIsElsewhereAreToldApart() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)

        #expect(await complaint(host: "127.0.0.1", port: port)?.message == "taken")
        let foreign = await complaint(host: "192.0.2.7", port: 0)
        #expect(foreign?.code == .usage)
        #expect(foreign?.message.contains("192.0.2.7") == true)
        #expect(await complaint(host: "127.0.0.1", port: 0) == nil)
        try await listener.close()
    }
}
