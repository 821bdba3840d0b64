import NIOCore
import NIOHTTP1

/// Keeps the bytes of an answer's head until it has been decoded.
///
/// The decoder makes text of fields, and what is no UTF-8 is lost in it; here it is found again.
final class AnswerHeadKeeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    enum Outcome {
        /// The decoder lost nothing.
        case asDecoded
        /// The fields, each scalar of a value one byte.
        case fields(HTTPHeaders)
        /// The bytes do not tell which value is whose.
        case unclear
    }

    private var bytes = ByteBuffer()
    private var isKeeping = false

    /// An answer's head comes next.
    func begin() {
        bytes = ByteBuffer()
        isKeeping = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isKeeping {
            let piece = unwrapInboundIn(data)
            if bytes.readableBytes == 0 { bytes = piece } else { bytes.writeImmutableBuffer(piece) }
        }
        context.fireChannelRead(data)
    }

    /// What became of the fields of a head that was decoded just now.
    ///
    /// - Parameter isInterim: whether another head follows.
    func take(_ decoded: HTTPHeaders, isInterim: Bool) -> Outcome {
        let isPlain = decoded.allSatisfy { FieldText.isASCII($0.value) }
        let values = isPlain && !isInterim ? [] : takeValues()
        if !isInterim { end() }
        if isPlain { return .asDecoded }
        guard values.count == decoded.count else { return .unclear }
        var fields = HTTPHeaders()
        for ((name, _), value) in zip(decoded, values) { fields.add(name: name, value: value) }
        return .fields(fields)
    }

    /// Nothing more is kept before the next `begin`.
    private func end() {
        isKeeping = false
        bytes = ByteBuffer()
    }

    /// The values of the head that the bytes begin with, which is taken away.
    private func takeValues() -> [String] {
        var values: [String] = []
        var isFirst = true
        while let lineFeed = bytes.readableBytesView.firstIndex(of: 0x0A) {
            let length = lineFeed - bytes.readerIndex
            guard let line = bytes.readSlice(length: length) else { break }
            bytes.moveReaderIndex(forwardBy: 1)
            let text = Self.trimmed(line.readableBytesView)
            if isFirst {
                // An empty line may stand before a head.
                isFirst = text.isEmpty
                continue
            }
            if text.isEmpty { break }
            guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return [] }
            values.append(FieldText.text(of: Self.trimmed(text[(colon + 1)...])))
        }
        return values
    }

    private static func trimmed(_ bytes: ByteBufferView) -> ByteBufferView {
        var bytes = bytes
        let space: Set<UInt8> = [0x20, 0x09, 0x0D]
        while let first = bytes.first, space.contains(first) { bytes.removeFirst() }
        while let last = bytes.last, space.contains(last) { bytes.removeLast() }
        return bytes
    }
}
