#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Random numbers of the system, fetched many at a time: one system call each would cost more
/// than all else of an identifier.
struct RandomPool {
    private static let size = 128

    private var numbers: [UInt64] = []

    /// The next number, as unpredictable as the system's.
    mutating func next() -> UInt64 {
        if numbers.isEmpty { fill() }
        return numbers.removeLast()
    }

    private mutating func fill() {
        numbers = [UInt64](unsafeUninitializedCapacity: Self.size) { buffer, count in
            count = Self.size
            #if canImport(Darwin)
                arc4random_buf(buffer.baseAddress, Self.size * 8)
            #else
                // At most 256 bytes at once (getentropy(3)).
                let raw = UnsafeMutableRawBufferPointer(buffer)
                for start in stride(from: 0, to: raw.count, by: 256)
                where getentropy(raw.baseAddress.map { $0 + start }, 256) != 0 {
                    var generator = SystemRandomNumberGenerator()
                    for index in start / 8..<start / 8 + 32 { buffer[index] = generator.next() }
                }
            #endif
        }
    }
}
