import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds ports that nobody listens on and that nobody else gets.
///
/// From below the range out of which systems serve connections and `port: 0` by themselves: a
/// server that is stopped and started again in a test must find its port as it left it. No port
/// is given twice in one process, so one that is never used stays dead.
package enum FreePort {
    /// SystemTests take blocks of ports from below this range.
    private static let range = 20_000..<32_768
    private static let given = Mutex<Set<Int>>([])

    package static func find() throws -> Int {
        // Other programs hold few of them; where all tries fail, something else is wrong.
        for _ in 0..<1_000 {
            let port = Int.random(in: range)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            if isFree(port) { return port }
        }
        throw RedisServer.Failure(description: "there is no free port")
    }

    private static func isFree(_ port: Int) -> Bool {
        #if canImport(Darwin) || canImport(Musl)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
