import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Where bytes on their way to a client are:
//
//   answer queue ─► channel ─► unsent │ sent, not acknowledged ─► client's system ─► client
//                              ╰─── the system: the backlog ──╯
//
// The system takes up to 64 KiB that it has not sent, and lets go of what the client's system has
// acknowledged. A client that is slow but steady moves the backlog all the time, and makes the
// system take more only now and then.

/// What the system holds of what a connection was sent.
enum SendBacklog {
    /// Bytes that a system takes and has not sent yet.
    private static let unsentLimit = 64 * 1024

    #if os(Linux)
        private static let unsentOption = NIOBSDSocket.Option(rawValue: 25)  // TCP_NOTSENT_LOWAT
    #else
        private static let unsentOption = NIOBSDSocket.Option(rawValue: 0x201)
    #endif

    /// Keeps the system from taking megabytes that the client has not been sent yet.
    ///
    /// They would cost memory for each slow client. A system that cannot do it serves all the same.
    ///
    /// - Parameter sendBuffer: what it may hold with what is sent and not acknowledged; nil lets it
    ///   grow with the line.
    static func limit(of channel: any Channel, sendBuffer: Int?) {
        let options = channel.syncOptions
        try? options?.setOption(.tcpOption(unsentOption), value: unsentLimit)
        guard let sendBuffer else { return }
        try? options?.setOption(.socketOption(.so_sndbuf), value: sendBuffer)
    }

    /// Bytes that the client's system has not acknowledged; 0 where nobody can tell.
    ///
    /// The end of sending counts as one.
    static func bytes(of channel: any Channel) -> Int {
        let known = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self, unacknowledged)
        return known ?? 0
    }

    private static func unacknowledged(_ socket: NIOBSDSocket.Handle) -> Int {
        var count: CInt = 0
        #if os(Linux)
            // SIOCOUTQ, which is TIOCOUTQ.
            guard ioctl(socket, 0x5411, &count) == 0 else { return 0 }
        #else
            var length = socklen_t(MemoryLayout<CInt>.size)
            guard getsockopt(socket, SOL_SOCKET, SO_NWRITE, &count, &length) == 0 else { return 0 }
        #endif
        return Int(count)
    }
}
