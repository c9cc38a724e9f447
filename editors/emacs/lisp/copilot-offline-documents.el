;;; copilot-offline-documents.el --- The buffers that the server knows  -*- lexical-binding: t; -*-

;;; Commentary:

;; The server is told what lies between the unchanged begin and the unchanged end of a buffer.  Positions count
;; characters (UTF-32), which Emacs' own columns are.

;;; Code:

(require 'cl-lib)
(require 'copilot-offline-server)

(defcustom copilot-offline-max-file-size 1000000
  "Buffers with more characters are left alone."
  :type 'integer
  :group 'copilot-offline)

(cl-defstruct (copilot-offline--document (:constructor copilot-offline--make-document))
  uri version newlines last-column head tail)

(defvar-local copilot-offline--document nil
  "What the server knows of this buffer; nil if it does not know it.
HEAD and TAIL count characters at begin and end that are as the
server was told; HEAD is nil if all are.")

(defun copilot-offline--refusal ()
  "Why this buffer has nothing to do with the server, or nil."
  (cond ((not buffer-file-name) "it is no file")
        ((file-remote-p buffer-file-name) "its file is on another machine")
        ((> (buffer-size) copilot-offline-max-file-size)
         (format "it has %d characters, more than `copilot-offline-max-file-size'" (buffer-size)))))

(defun copilot-offline--language ()
  "The language of this buffer, by its mode's name."
  (let ((name (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (pcase name
      ("sh" "shellscript") ("js" "javascript") ("c++" "cpp") ("csharp" "csharp") ("js-json" "json")
      ((or "fundamental" "text") "plaintext")
      (_ name))))

(defun copilot-offline--text ()
  "The whole text of this buffer."
  (save-restriction (widen) (buffer-substring-no-properties (point-min) (point-max))))

(defun copilot-offline--measure ()
  "Note how the text ends that the server knows now."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-max))
      (setf (copilot-offline--document-newlines copilot-offline--document) (1- (line-number-at-pos))
            (copilot-offline--document-last-column copilot-offline--document) (- (point) (line-beginning-position))
            (copilot-offline--document-head copilot-offline--document) nil
            (copilot-offline--document-tail copilot-offline--document) nil))))

(defun copilot-offline--open ()
  "Tell the server of this buffer."
  (setq copilot-offline--document
        (copilot-offline--make-document :uri (copilot-offline--uri buffer-file-name) :version 1))
  (copilot-offline--measure)
  (copilot-offline--notify :textDocument/didOpen
                           (list :textDocument (list :uri (copilot-offline--document-uri copilot-offline--document)
                                                     :languageId (copilot-offline--language)
                                                     :version 1
                                                     :text (copilot-offline--text)))))

(defun copilot-offline--close ()
  "Tell the server that this buffer is no more."
  (when copilot-offline--document
    (copilot-offline--notify :textDocument/didClose (list :textDocument (copilot-offline--identifier)))
    (setq copilot-offline--document nil)))

(defun copilot-offline--identifier ()
  "This buffer as the server knows it."
  (list :uri (copilot-offline--document-uri copilot-offline--document)))

(defun copilot-offline--changed (begin end _length)
  "Note that the text between BEGIN and END is new."
  (when-let ((document copilot-offline--document))
    (save-restriction
      (widen)
      (let ((head (1- begin)) (tail (- (point-max) end)))
        (setf (copilot-offline--document-head document)
              (min head (or (copilot-offline--document-head document) head))
              (copilot-offline--document-tail document)
              (min tail (or (copilot-offline--document-tail document) tail)))))))

(defun copilot-offline--position (&optional place)
  "The position of PLACE or point, as the server counts."
  (save-excursion
    (save-restriction
      (widen)
      (when place (goto-char place))
      (list :line (1- (line-number-at-pos)) :character (- (point) (line-beginning-position))))))

(defun copilot-offline--place (position)
  "The place in this buffer of the server's POSITION."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (plist-get position :line))
      (min (line-end-position) (+ (point) (plist-get position :character))))))

(defun copilot-offline--change ()
  "The change of this buffer since the server was told last."
  (save-excursion
    (save-restriction
      (widen)
      (let* ((document copilot-offline--document)
             (start (1+ (copilot-offline--document-head document)))
             (newlines (copilot-offline--document-newlines document)))
        ;; The end is put behind a newline that was there before: its column is known, then.
        (goto-char (- (point-max) (copilot-offline--document-tail document)))
        (let* ((found (search-forward "\n" nil t))
               (end (or found (point-max)))
               (last (if found
                         (list :line (- newlines (- (line-number-at-pos (point-max)) (line-number-at-pos end)))
                               :character 0)
                       (list :line newlines :character (copilot-offline--document-last-column document)))))
          (list :range (list :start (copilot-offline--position start) :end last)
                :text (buffer-substring-no-properties start end)))))))

(defun copilot-offline--sync ()
  "Tell the server what changed in this buffer."
  (when (and copilot-offline--document (copilot-offline--document-head copilot-offline--document))
    (let ((change (copilot-offline--change)))
      (cl-incf (copilot-offline--document-version copilot-offline--document))
      (copilot-offline--measure)
      (copilot-offline--notify
       :textDocument/didChange
       (list :textDocument (append (copilot-offline--identifier)
                                   (list :version (copilot-offline--document-version copilot-offline--document)))
             :contentChanges (vector change))))))

(defun copilot-offline--saved ()
  "Tell the server that this buffer was saved."
  (when copilot-offline--document
    (copilot-offline--sync)
    (copilot-offline--notify :textDocument/didSave (list :textDocument (copilot-offline--identifier)))))

;;;; Edits of the server's

(defun copilot-offline--apply-to-buffer (edits)
  "Make EDITS, none of which overlap, in this buffer."
  (save-excursion
    (save-restriction
      (widen)
      (atomic-change-group
        (dolist (edit (mapcar (lambda (edit)
                                (let ((range (plist-get edit :range)))
                                  (list (copy-marker (copilot-offline--place (plist-get range :start)))
                                        (copy-marker (copilot-offline--end-place (plist-get range :end)))
                                        (plist-get edit :newText))))
                              edits))
          (pcase-let ((`(,start ,end ,text) edit))
            (delete-region start end)
            (goto-char start)
            (insert text)))))))

(defun copilot-offline--end-place (position)
  "As `copilot-offline--place', but the line behind the last one is the end."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (if (> (forward-line (plist-get position :line)) 0) (point-max) (copilot-offline--place position)))))

(defun copilot-offline--apply (edit)
  "Make the workspace EDIT; returns whether all of it could be made."
  (let ((files (append
                (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
                         collect (cons (string-remove-prefix ":" (symbol-name uri)) edits))
                (mapcar (lambda (change)
                          (cons (plist-get (plist-get change :textDocument) :uri) (plist-get change :edits)))
                        (plist-get edit :documentChanges)))))
    (if (seq-some (lambda (file) (null (car file))) files)
        nil
      (dolist (file files t)
        (with-current-buffer (find-file-noselect (copilot-offline--path (car file)))
          (copilot-offline--apply-to-buffer (append (cdr file) nil))
          (copilot-offline--sync))))))

(defun copilot-offline--show (uri)
  "Show the file that URI names; returns whether it is one."
  (when (string-prefix-p "file:" uri)
    (display-buffer (find-file-noselect (copilot-offline--path uri)))
    t))

(setq copilot-offline--show-function #'copilot-offline--show)
(setq copilot-offline--apply-function #'copilot-offline--apply)

(provide 'copilot-offline-documents)
;;; copilot-offline-documents.el ends here
