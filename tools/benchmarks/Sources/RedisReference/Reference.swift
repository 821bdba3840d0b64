import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs redis-benchmark.
public enum Reference {
    /// The command did not say how fast it was.
    public struct Failure: Error {
        let command: String
    }

    /// Requests per second as the tool itself reports them.
    public static func rate(_ command: String) async throws -> Double {
        let output = try await NIOThreadPool.singleton.runIfActive { read(command) }
        // "GET: 1265822.75 requests per second, p50=0.9 msec"; progress is overwritten by \r.
        let words = output.split { $0 == " " || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
        for (index, word) in words.enumerated().reversed()
        where word == "requests" && index > 0 && words.dropFirst(index + 1).first == "per" {
            if let rate = Double(words[index - 1]) { return rate }
        }
        throw Failure(command: command)
    }

    private static func read(_ command: String) -> String {
        guard let pipe = popen(command + " 2>/dev/null", "r") else { return "" }
        defer { pclose(pipe) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, pipe)
            guard count > 0 else { return String(decoding: output, as: UTF8.self) }
            output += chunk.prefix(count)
        }
    }
}
