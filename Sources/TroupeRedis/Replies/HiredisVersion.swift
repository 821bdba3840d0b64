import CReplyTape

/// The C library that reads replies.
package enum HiredisVersion {
    /// The version that this program was built with, such as `0.14.1`.
    package static var text: String { String(cString: reply_tape_hiredis_version()) }
}
