import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why no connection came about, in words that are safe to show: no address, no name.
enum ConnectFailure {
    /// What the caller of a command is told.
    static func error(_ cause: any Error) -> RedisError {
        if let known = cause as? RedisError { return known }
        let reason = reason(cause).map { ": \($0)" } ?? ""
        return RedisError(.connectionLost, "Redis cannot be reached\(reason)", cause: cause)
    }

    /// Nil for what has no name of its own; the cause is in the log then.
    static func reason(_ cause: any Error) -> String? {
        switch cause {
        case let failure as NIOConnectionError: reason(failure)
        case let failure as IOError: reason(failure)
        case ChannelError.connectTimeout: "the connect took too long"
        case _ where RedisTLS.isFault(cause): RedisTLS.reason(cause)
        default: nil
        }
    }

    /// A name may lead to several addresses, of which each has failed.
    private static func reason(_ failure: NIOConnectionError) -> String? {
        if let first = failure.connectionErrors.first { return reason(first.error) }
        return failure.dnsAError == nil && failure.dnsAAAAError == nil
            ? nil : "the host's name is not known"
    }

    private static func reason(_ failure: IOError) -> String? {
        switch failure.errnoCode {
        case ECONNREFUSED: "nobody listens there"
        case ENOENT: "the socket's path does not exist"
        case EACCES, EPERM: "this process may not connect to it"
        case ETIMEDOUT: "the connect took too long"
        case EHOSTUNREACH, ENETUNREACH: "no route leads there"
        default: nil
        }
    }
}
