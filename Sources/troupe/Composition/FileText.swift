#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The text of a file, or of whatever else can be read to its end: a pipe, standard input.
enum FileText {
    /// What is larger is not a configuration.
    private static let bytesMaximum = 16 << 20

    /// Reads all of it.
    ///
    /// - Parameter path: `-` for what comes through standard input.
    /// - Throws: a sentence that says why it cannot be read.
    static func read(_ path: String) throws(Obstacle) -> String {
        let descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Obstacle(errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = piece.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Obstacle(errno)
            }
            bytes += piece[..<count]
            guard bytes.count <= bytesMaximum else { throw Obstacle(EFBIG) }
        }
    }

    /// Why something cannot be read.
    struct Obstacle: Error {
        var sentence: String

        init(_ number: Int32) {
            sentence =
                switch number {
                case ENOENT: "there is no such file"
                case EISDIR: "it is a folder"
                case EACCES: "this user may not"
                case EFBIG: "it has more than 16 MiB"
                default: String(cString: strerror(number))
                }
        }
    }
}

/// The system's `read`, which the method above would shadow.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
