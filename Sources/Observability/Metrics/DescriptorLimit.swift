#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many files and sockets this process may have open.
public enum DescriptorLimit {
    /// More than this is never asked for: some systems allow any number, and tables follow it.
    private static let highest: rlim_t = 1_048_576

    /// Raises the limit as far as this user may, which servers do at their start.
    ///
    /// - Returns: the limit from now on; `nil` if there is none or it cannot be read.
    @discardableResult
    public static func raise() -> Int? {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        let aim = min(limit.rlim_max, highest)
        if limit.rlim_cur < aim {
            var raised = limit
            raised.rlim_cur = aim
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(exactly: limit.rlim_cur)
    }

    // The headers differ in the type of this constant.
    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
