import Foundation

// Answers from memory, and answers passed on from an upstream: the gateway with one event loop
// against nginx with one worker, `proxy_cache` and kept connections to the upstream; the same
// 900 bytes of JSON, the same 64 kept connections of wrk, in turns.
//
//     GatewayBenchmark [rounds] [seconds]     measures and prints
//     GatewayBenchmark serve ORIGIN-PORT      what the measuring run starts and pins

@main
enum GatewayBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "serve", let port = arguments.dropFirst().first.flatMap({ Int($0) }) {
            try await ServedGateway.run(originPort: port)
            return
        }
        let rounds = arguments.first.flatMap { Int($0) } ?? 5
        let seconds = arguments.dropFirst().first.flatMap { Int($0) } ?? 5
        try await Comparison(rounds: rounds, seconds: seconds).run()
    }
}
